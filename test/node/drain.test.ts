import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { call, url } from '../conformance/clients/http.ts'
import { handshake, RawClient } from '../conformance/clients/raw.ts'
import { Line } from '../conformance/clients/tcp.ts'
import { Framed, Plain } from '../conformance/clients/websocket.ts'
import { freshRoom } from '../conformance/suite.ts'
import { root, tcpAddresses } from '../targets/target.ts'

async function start(data: string) {
  const env = { ...process.env, HOST: '127.0.0.1', PORT: '0', HOLDLINE_TCP_PORT: '0', HOLDLINE_DATA: data }
  const child = spawn(process.execPath, ['src/cli/start.ts'], { cwd: root, env })
  const [line] = await once(child.stdout, 'data')
  const [, base = '', tcp = ''] = /(http:\/\/\S+) and (\S+)\n/.exec(`${line}`) ?? []
  tcpAddresses.set(base, tcp)
  return { child, base }
}

it('DRAIN-1, DRAIN-2 SIGTERM sends everyone away with advice, answers what is held, writes what waits and exits 0', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdline-drain-'))
  const { child, base } = await start(join(folder, 'rooms.db'))
  const room = freshRoom()
  const publish = (data: string) =>
    call(url(base, room, '/messages'), { method: 'POST', body: data, headers: { 'content-type': 'text/plain' } })
  const { cursor } = await publish('before')
  const framed = await Promise.all(Array.from({ length: 5 }, () => Framed.open(base, room)))
  const plain = await Plain.open(base, room)
  // It never answers a close, and must not hold the others up.
  const stubborn = new RawClient(base)
  stubborn.write(handshake(base, room, { 'sec-websocket-protocol': 'holdline.v1' }))
  await stubborn.until('welcome')
  // Several rooms over one connection, and one that has left all of its own.
  const joined = await Framed.open(base, [room, freshRoom()])
  const alone = await Framed.open(base, [room])
  await alone.ask({ op: 'leave', room })
  // By TCP, in a room and on its way to one.
  const lines = [await Line.open(base, room), await Line.open(base, room), Line.dial(base)]
  await once((lines[2] as Line).socket, 'connect')
  const poll = call(url(base, room, '/poll', { cursor, wait: 55 }))
  const events = await fetch(url(base, room, '/events', { cursor }))
  await framed[0]?.ask({ op: 'history' })
  // It may cross the close on its way; then it is not acknowledged, and nothing is promised.
  const last = framed[0]?.ask({ op: 'publish', data: 'last words' }).catch(() => undefined)

  const began = Date.now()
  const gone = once(child, 'exit')
  child.kill('SIGTERM')

  const advice: number[] = []
  for (const each of [...framed, joined, alone]) {
    const [closing] = (await each.inbox.until(({ type }) => type === 'closing')).slice(-1)
    expect(closing).toMatchObject({ type: 'closing', code: 4000, reason: 'drain' })
    advice.push((closing as unknown as { retryAfter: number }).retryAfter)
    expect(await each.closed).toMatchObject({ code: 4000 })
  }
  for (const line of lines) {
    const closing = await line.ended
    expect(closing).toMatchObject({ type: 'closing', code: 4000, reason: 'drain' })
    advice.push(closing?.retryAfter as number)
  }
  expect(new Set(advice).size).toBeGreaterThan(1)
  expect(Math.min(...advice)).toBeGreaterThan(0)
  expect((await plain.closed).code).toBe(4000)
  const answer = await poll
  // Either the last words reached it, or it was sent away; then it is told when to come back.
  expect(answer.http).toBe(200)
  if (answer.events?.length === 0) expect(answer.advice?.after).toBeGreaterThan(0)
  expect(await events.text()).toContain('event: closing')
  expect(await gone).toEqual([0, null])
  expect(Date.now() - began).toBeLessThan(30_000)

  const again = await start(join(folder, 'rooms.db'))
  const { text } = await call(url(again.base, room, '/messages'))
  expect(text).toContain('before')
  if ((await last)?.type === 'ack') expect(text).toContain('last words')
  again.child.kill('SIGKILL')
  await once(again.child, 'exit')
  rmSync(folder, { recursive: true })
})
