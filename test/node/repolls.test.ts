import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { LetIn } from '../../src/gateway/ports.ts'
import { Repolls } from '../../src/node/repolls/repolls.ts'
import { call, say, url } from '../conformance/clients/http.ts'
import { HttpLine } from '../conformance/clients/http-line.ts'
import { handshake } from '../conformance/clients/raw.ts'
import { freshRoom, freshSecret, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { start } from './gateway.ts'

/** A gateway, and one that has polled until it is known. */
async function poller(wait = 55, env: Record<string, string> = {}) {
  const { base, end, child, said } = await start({ HOLDLINE_DATA: ':memory:', ...env })
  const [room, resume] = [freshRoom(), freshSecret()]
  const line = new HttpLine(base)
  let { cursor } = await line.ask(`/v1/rooms/${room}/poll?resume=${resume}`)
  const path = () => `/v1/rooms/${room}/poll?resume=${resume}&cursor=${cursor}&wait=${wait}`
  for (const i of range(3)) {
    await say(base, room, i)
    cursor = (await line.ask(path())).cursor
  }
  const held = (count: number) =>
    eventually(`${count} polls are held`, async () => (await call(url(base, room))).connections?.poll === count)
  return { base, end, child, said, room, line, path, held }
}

/** As much of a server as answers polls, which counts those that its parser has read. */
async function counting() {
  const repolls = new Repolls({
    repollOf: () => (cursor, answered) => {
      if (cursor === 'not-now') return null
      setImmediate(() => answered(`{"again":"${cursor}"}`, 'id'))
      return () => {}
    },
    most: 16_384,
    patience: 75_000,
  })
  const read: string[] = []
  const server = createServer((incoming, outgoing) => {
    read.push(incoming.url as string)
    const request = new Request(`http://gateway${incoming.url}`)
    const answer = async () => {
      const cursor = new URL(request.url).searchParams.get('cursor')
      repolls.remember({ request, poll: { hello: { cursor } } } as LetIn)
      return new Response('{}', { headers: { 'content-type': 'application/json' } })
    }
    Promise.resolve(repolls.watch(request, incoming, outgoing, answer)).then(async (response) => {
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
    })
  }).listen(0, '127.0.0.1')
  repolls.listen(server)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { read, line: new HttpLine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) }
}

it('POLL-5 a poll that has come twice over its connection is not read again, as long as all but its cursor is the same', async () => {
  const { read, line } = await counting()
  const path = (cursor: string, more = '') => `/v1/rooms/a/poll?resume=r&cursor=${cursor}&wait=5${more}`
  for (const cursor of ['c-1', 'c-2', 'c-3', 'c-4']) await line.ask(path(cursor))
  expect(read).toEqual([path('c-1'), path('c-2')])
  expect(await line.ask(path('c-5'))).toMatchObject({ again: 'c-5' })
  // Each of these is another request, and after it it takes one to be known again.
  const others: [string, Record<string, string>][] = [
    [path('c-6', '&token=t'), {}],
    [path('c-7'), { authorization: 'Bearer b' }],
    [path('C'), {}],
    ['/v1/rooms/b/poll?resume=r&cursor=c-8&wait=5', {}],
  ]
  for (const [other, headers] of others) {
    read.length = 0
    expect(await line.ask(other, headers)).not.toHaveProperty('again')
    await line.ask(path('c-9'))
    expect(await line.ask(path('d-1'))).toMatchObject({ again: 'd-1' })
    expect(read).toEqual([other, path('c-9')])
  }
  // That one has to be looked at again.
  read.length = 0
  for (const cursor of ['not-now', 'd-2']) await line.ask(path(cursor))
  expect(read).toEqual([path('not-now')])
})

it('POLL-5 what might be read in two ways is never taken for a poll that is known', async () => {
  const escaped = '/v1/rooms/a/poll?c%75rsor=c-0&cursor=c-1'
  const twice = '/v1/rooms/a/poll?cursor=c-1&cursor=c-2'
  for (const path of [escaped, twice]) {
    const { read, line } = await counting()
    for (const _ of range(4)) await line.ask(path)
    expect(read).toHaveLength(4)
  }
  const { read, line } = await counting()
  const body = { 'content-length': '0' }
  for (const _ of range(4)) await line.ask('/v1/rooms/a/poll?cursor=c-1', body)
  // A header that begins before what has the bytes of a whole request.
  const whole = line.get('/v1/rooms/a/poll?cursor=c-1')
  for (const _ of range(4)) {
    line.write('GET /v1/rooms/a/poll?cursor=c-1 HTTP/1.1\r\nx-more: ')
    await new Promise((resolve) => setTimeout(resolve, 20))
    line.write(whole)
    await line.next()
  }
  expect(read).toHaveLength(8)
})

it('CUR-1 a cursor that is none, since it stands in a fragment, stays none', async () => {
  const { line, room } = await poller()
  for (const cursor of ['0-0', '0-0', '0-0']) {
    const { http, events } = await line.ask(`/v1/rooms/${room}/poll?resume=${'r'.repeat(22)}#&cursor=${cursor}`)
    expect([http, events]).toEqual([200, []])
  }
})

it('POLL-5 whose client has left is held no more, also when it is asked again', async () => {
  for (const leave of ['end', 'resetAndDestroy', 'destroy'] as const) {
    const { line, path, held } = await poller()
    line.write(line.get(path()))
    await held(1)
    line.socket[leave]()
    await held(0)
  }
})

it('LIMIT-3 however much is asked before the first is answered, it costs a bound', async () => {
  const { line, path, held } = await poller()
  line.write(line.get(path()))
  await held(1)
  const gone = new Promise((resolve) => line.socket.once('close', resolve))
  for (const _ of range(400)) line.write(line.get(path()))
  await gone
  await held(0)
})

it('POLL-3 what was asked again is over when the wait is', async () => {
  const { line, path } = await poller(1)
  const { cursor } = await line.ask(path())
  const began = Date.now()
  expect(await line.ask(path())).toMatchObject({ http: 200, cursor, events: [] })
  expect(Date.now() - began).toBeGreaterThanOrEqual(990)
})

it('DRAIN-1 what was asked again is answered when the gateway goes down', async () => {
  const { line, path, held, end } = await poller()
  line.write(line.get(path()))
  await held(1)
  const ended = end()
  const { http, events, advice } = await line.next()
  expect([http, events]).toEqual([200, []])
  expect(advice?.after).toBeGreaterThan(0)
  await ended
})

it('DRAIN-1 who is slow to take its answer has it whole when the gateway goes down', async () => {
  const { base, child, said, room, line, path } = await poller(55, { HOLDLINE_LOG_LEVEL: 'debug' })
  const text = 'x'.repeat(60_000)
  for (const _ of range(4)) await say(base, room, text)
  line.socket.pause()
  const answered = () => said().split(`"path":"/v1/rooms/${room}/poll"`).length
  const before = answered()
  const request = line.get(path())
  // Until what is answered is more than the network takes, and it is read no more itself.
  for (let isRead = true; isRead; ) {
    const count = answered()
    line.write(request)
    isRead = await eventually('it is answered', () => answered() > count, 1).then(
      () => true,
      () => false,
    )
  }
  const idle = new HttpLine(base)
  await idle.ask('/healthz')
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await eventually('it goes down', () => said().includes('Everyone is sent away'))
  // Now whoever asks nothing is cut off, unless that waits for the answer to be taken.
  await Promise.race([once(idle.socket, 'close'), after(300)])
  const count = answered() - before
  line.socket.resume()
  for (const _ of range(count)) expect((await line.next()).events).toHaveLength(4)
  expect(await gone).toEqual([0, null])
})

it('WS-1 over a connection that has polled a WebSocket can be opened', async () => {
  const { base, room, line } = await poller()
  line.socket.removeAllListeners('data')
  let heard = ''
  line.socket.on('data', (bytes) => {
    heard += bytes
  })
  line.write(handshake(base, room, { 'sec-websocket-protocol': 'holdline.v1' }))
  await eventually('it is welcome', () => heard.includes('"welcome"'))
  await say(base, room, 'over a WebSocket')
  await eventually('it hears', () => heard.includes('over a WebSocket'))
})
