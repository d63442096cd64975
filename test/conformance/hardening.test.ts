import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { call, url } from './clients/http.ts'
import { frame, handshake, RawClient } from './clients/raw.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, type Gateway } from './suite.ts'

const ELSEWHERE = '000000000abcdef-11'

const say = (gateway: Gateway, room: string, data: unknown) =>
  call(url(gateway.url, room, '/messages'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data }),
  })

const count = async (gateway: Gateway, room: string, kind: string) =>
  (await call(url(gateway.url, room))).connections?.[kind]

/** What has once brought a gateway down, or held it fast. */
chapter('hardening', (gateway) => {
  test('PLAIN-3, ERR-4 who is refused and speaks nonetheless is not heard, and harms nobody', async () => {
    const room = freshRoom()
    await say(gateway, room, 'first')
    const refused = new Plain(gateway.url, room, { cursor: ELSEWHERE })
    refused.socket.on('open', () => refused.send('hello'))
    expect((await refused.closed).code).toBe(4502)
    expect((await say(gateway, room, 'second')).http).toBe(201)
    const { text } = await call(url(gateway.url, room, '/messages'))
    expect(text).not.toContain('hello')
  })

  test('PUB-3 a client that offers h2c publishes as others do', async () => {
    const room = freshRoom()
    const client = new RawClient(gateway.url)
    const body = '{"data":"over h2c"}'
    client.write(
      `POST /v1/rooms/${room}/messages HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\n`,
      'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n',
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await client.until('"cursor"')
    expect((await call(url(gateway.url, room, '/messages'))).text).toContain('over h2c')
  })

  test('POLL-1, ERR-4 a poll that offers a WebSocket, with a query that ends like one, is a poll', async () => {
    const client = new RawClient(gateway.url)
    client.write(
      `GET /v1/rooms/${freshRoom()}/poll?cursor=0-0&wait=1&like=/ws HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\n`,
      'connection: Upgrade\r\nupgrade: websocket\r\n\r\n',
    )
    await client.until('"events":[]')
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })

  test('ERR-4 streams that are asked for in the wrong way are not held', async () => {
    const room = freshRoom()
    for (const upgrade of ['foo', 'websocket']) {
      const client = new RawClient(gateway.url)
      client.write(
        `GET /v1/rooms/${room}/events HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\n`,
        `connection: Upgrade\r\nupgrade: ${upgrade}\r\n\r\n`,
      )
      await client.until('HTTP/1.1')
      client.socket.resetAndDestroy()
    }
    for (const route of ['/events', '/poll', '/ws']) {
      expect((await fetch(url(gateway.url, room, route), { method: 'HEAD' })).status).toBe(400)
    }
    await eventually('nothing is held', async () => (await count(gateway, room, 'sse')) === 0)
  })

  test('POLL-3, SSE-5 who leaves before it was let in leaves nothing behind', async () => {
    const room = freshRoom()
    const { cursor } = await say(gateway, room, 1)
    // workerd does not tell of a client that leaves so early: a poll there ends with its `wait`, a stream only when a
    // comment cannot be written, which is longer than a test may take.
    const routes = gateway.target.name === 'node' ? ['/poll', '/events'] : ['/poll']
    await Promise.all(
      routes.flatMap((route) =>
        Array.from({ length: 10 }, async () => {
          const controller = new AbortController()
          const asked = fetch(url(gateway.url, room, route, { cursor, wait: 3 }), { signal: controller.signal })
          setImmediate(() => controller.abort())
          await asked.then((response) => response.body?.cancel()).catch(() => {})
        }),
      ),
    )
    await eventually('nobody is there', async () => {
      const { connections } = await call(url(gateway.url, room))
      return connections?.poll === 0 && connections.sse === 0
    })
  })

  test('WS-4, ERR-4 a flood of history is answered once at a time', async () => {
    const room = freshRoom()
    for (let i = 0; i < 20; i++) await say(gateway, room, `${i}${'x'.repeat(60_000)}`)
    const client = new RawClient(gateway.url)
    client.write(handshake(gateway.url, room, { 'sec-websocket-protocol': 'holdline.v1' }))
    await client.until('welcome')
    const operations = Array.from({ length: 256 }, (_, ref) => ({ op: 'history', limit: 1000, ref }))
    client.write(frame(JSON.stringify(operations)))
    const received = await client.until('"ref":255')
    expect(received.split('"type":"history"')).toHaveLength(received.includes('"type":"history"') ? 2 : 1)
    expect(received).toMatch(/"code":"busy"[^}]*"retryAfter":\d/)
  })

  test('HIST-3 `next` is a place that there is, whatever `before` was', async () => {
    const room = freshRoom()
    const { cursor } = await say(gateway, room, 1)
    for (const before of ['zzzzzzzzzzzzzzz-1z', `${cursor?.split('-')[0]}-1z`]) {
      const page = JSON.parse((await call(url(gateway.url, room, '/messages', { before }))).text)
      expect(page).toMatchObject({ next: cursor, messages: [{ data: 1 }] })
    }
  })

  test('WS-7 an upgrade that is no handshake is 426', async () => {
    const client = new RawClient(gateway.url)
    client.write(
      `GET /v1/rooms/${freshRoom()}/ws HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\nupgrade: websocket\r\n\r\n`,
    )
    expect(await client.until('HTTP/1.1')).toMatch(/ 426 | 400 /)
  })

  test('ERR-4 the largest message and the next one reach who reads, under the largest limit', async () => {
    const room = freshRoom()
    const [a, b] = [await Framed.open(gateway.url, room), await Framed.open(gateway.url, room)]
    const answer = a.ask({ op: 'publish', data: '\u0001'.repeat(65_536) })
    expect(await answer).toMatchObject({ type: 'ack' })
    expect(await a.ask({ op: 'publish', data: 'next' })).toMatchObject({ type: 'ack' })
    expect((await b.messages(2)).at(-1)?.payload).toBe('next')
  })
})
