import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Signer } from '../../src/webhooks/sign.ts'
import { wholeHistory } from '../conformance/clients/http.ts'
import { Framed, Plain } from '../conformance/clients/websocket.ts'
import { freshRoom, freshSecret, Gateway } from '../conformance/suite.ts'
import { targets } from '../targets/index.ts'
import { eventually } from '../targets/target.ts'
import { SECRET } from '../webhooks/backend.ts'
import { freePort, needPhp, type Php, servePhp } from './php.ts'

describe.each(targets)('the PHP example with $name', (target) => {
  const gateway = new Gateway(target)
  const folder = mkdtempSync(join(tmpdir(), 'holdline-php-'))
  const file = join(folder, 'chat.json')
  let php: Php
  let restart: () => Promise<void>

  beforeAll(async () => {
    needPhp()
    const port = await freePort()
    const hook = `http://127.0.0.1:${port}/hook.php`
    await gateway.start({
      env: {
        HOLDLINE_WEBHOOK_URL: hook,
        HOLDLINE_WEBHOOK_SECRET: SECRET,
        HOLDLINE_WEBHOOK_PRIVATE: '1',
        HOLDLINE_ASK_URL: `http://127.0.0.1:${port}/ask.php`,
        HOLDLINE_ASK_MESSAGE: 'minded:*',
      },
    })
    restart = async () => {
      php = await servePhp(port, { HOLDLINE: gateway.url, HOLDLINE_WEBHOOK_SECRET: SECRET, CHAT_FILE: file })
    }
    await restart()
  }, 180_000)
  afterAll(async () => {
    await php?.stop()
    await gateway.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const state = () => JSON.parse(readFileSync(file, 'utf8')) as { online: Record<string, string[]>; messages: number }

  test('is told who comes and what is said, and answers', async () => {
    const room = freshRoom()
    const ann = await Plain.open(gateway.url, room)
    expect((await ann.messages(1))[0]?.payload).toBe('Welcome! 1 here.')
    ann.send('hello')
    ann.send('/time')
    expect((await ann.messages(1))[0]?.payload).toMatch(/^It is \d\d:\d\d UTC\.$/)
    expect(state().online[room]).toHaveLength(1)
    await eventually('both are counted', () => state().messages >= 2)
  })

  test('publishes what a form sends, and its page names where to connect', async () => {
    const ann = await Framed.open(gateway.url, 'php')
    const sent = await fetch(`${php.url}/send.php`, { method: 'POST', body: new URLSearchParams({ text: 'Grüße 😀' }) })
    expect(sent.status).toBe(204)
    await eventually('it arrives', async () =>
      (await wholeHistory(gateway.url, 'php')).some(({ data }) => data === 'Grüße 😀'),
    )
    expect((await fetch(`${php.url}/send.php`, { method: 'POST', body: '' })).status).toBe(400)
    const page = await (await fetch(php.url)).text()
    expect(page).toContain(
      JSON.stringify(`${gateway.url.replace('http', 'ws')}/v1/rooms/php/ws`)
        .slice(1, -1)
        .replaceAll('/', '\\/'),
    )
    await ann.close()
  })

  test('ASK-5 minds what is said', async () => {
    const room = `minded:${freshRoom()}`
    const ann = await Framed.open(gateway.url, room)
    expect(await ann.ask({ op: 'publish', data: 'buy now!' })).toMatchObject({
      code: 'forbidden',
      message: 'No advertising here.',
    })
    for (const data of ['Darn, Grüße 😀', 'hello', { not: 'text' }]) {
      expect(await ann.ask({ op: 'publish', data, event: 'said' })).toMatchObject({ type: 'ack' })
    }
    const said = (await wholeHistory(gateway.url, room)).filter(({ event }) => event === 'said')
    expect(said.map(({ data }) => data)).toEqual(['****, Grüße 😀', 'hello', { not: 'text' }])
    expect((await fetch(`${php.url}/ask.php`, { method: 'POST', body: '{}' })).status).toBe(401)
    await ann.close()
  })

  test('HOOK-6 refuses what is not signed, is changed, or is replayed late', async () => {
    const key = Buffer.from(SECRET.slice(6), 'base64')
    const body = JSON.stringify([{ id: 'zzz', type: 'message', data: { room: 'nobody', message: { from: 'x' } } }])
    const now = Math.floor(Date.now() / 1000)
    const send = async (headers: Record<string, string>, text = body) =>
      (await fetch(`${php.url}/hook.php`, { method: 'POST', headers, body: text })).status
    const good = await new Signer([key]).headers('msg_1', now, body)
    expect(await send(good)).toBe(204)
    expect(await send({})).toBe(401)
    expect(await send(good, `${body} `)).toBe(401)
    expect(await send({ ...good, 'webhook-id': 'msg_2' })).toBe(401)
    expect(await send({ ...good, 'webhook-signature': 'v1,' })).toBe(401)
    expect(await send(await new Signer([key]).headers('msg_1', now - 301, body))).toBe(401)
    expect(await send(await new Signer([Buffer.alloc(32)]).headers('msg_1', now, body))).toBe(401)
    const rotated = await new Signer([Buffer.alloc(32), key]).headers('msg_3', now, body)
    expect(await send(rotated)).toBe(204)
  })

  test('HOOK-3, HOOK-7 gone for a moment, it hears all of it when it is back, and answers once', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const before = state().messages
    await php.stop()
    const ann = await Framed.open(gateway.url, room, { resume })
    for (const n of [1, 2, 3]) await ann.ask({ op: 'publish', data: n })
    await restart()
    await eventually('it has heard all', () => state().messages === before + 3)
    const said = (await wholeHistory(gateway.url, room)).map(({ data }) => data)
    expect(said.filter((data) => `${data}`.startsWith('Welcome'))).toEqual(['Welcome! 1 here.'])
  })
})
