import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { call, wholeHistory } from '../conformance/clients/http.ts'
import { ask } from '../conformance/clients/poll.ts'
import { RawClient } from '../conformance/clients/raw.ts'
import { Stream } from '../conformance/clients/sse.ts'
import { Line } from '../conformance/clients/tcp.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { SECRET, TestBackend } from '../webhooks/backend.ts'
import { folder, start } from './gateway.ts'

it('DRAIN-1, DRAIN-2 who is on the way in when it goes down is told to come back, what is half said is heard, and it exits 0', async () => {
  const backend = await TestBackend.start()
  onTestFinished(() => backend.stop())
  const asked: ServerResponse[] = []
  backend.mood = (_, response) => void asked.push(response)
  const data = join(folder(), 'rooms.db')
  const { base, child, said } = await start({
    HOLDLINE_DATA: data,
    HOLDLINE_ASK_CONNECT: 'asked:*',
    HOLDLINE_ASK_URL: backend.url,
    HOLDLINE_ASK_TIMEOUT: '10000',
    HOLDLINE_WEBHOOK_PRIVATE: '1',
    HOLDLINE_WEBHOOK_SECRET: SECRET,
  })
  const [room, other] = [`asked:${freshRoom()}`, freshRoom()]
  // All of these wait for what the backend says of them.
  const framed = new Framed(base, room)
  const joined = new Framed(base, [room, other])
  const stream = new Stream(base, room)
  const poll = ask(base, room, { cursor: '0-0', wait: 55 })
  const line = Line.dial(base)
  line.send({ op: 'open', room })
  await eventually('the backend is asked about all of them', () => asked.length === 5)
  const answers = [...asked]
  const forgotten = new Framed(base, room)
  await eventually('the backend is asked about one that it never answers', () => asked.length === 6)
  // A message whose body is under way, and a request on a connection that is kept.
  const [publisher, dripping] = [new RawClient(base), new RawClient(base)]
  for (const each of [publisher, dripping]) {
    each.write(
      `POST /v1/rooms/${other}/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n`,
      'expect: 100-continue\r\ncontent-length: 10\r\ncontent-type: text/plain\r\n\r\n',
    )
    await each.until('100 Continue')
    each.write('hello')
  }
  const prober = new RawClient(base)
  prober.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
  await prober.until('200 OK')
  prober.write('GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n')
  // Whoever comes later than that half of a request is answered later.
  await call(`${base}/healthz`)

  const began = Date.now()
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await eventually('it goes down', () => said().includes('Everyone is sent away'))
  prober.write('\r\n')
  expect(await prober.until('"draining"')).toContain('503 Service Unavailable')
  for (const response of answers) response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  publisher.write('hello')

  const closing = { type: 'closing', code: 4000, retryAfter: expect.any(Number) }
  for (const each of [framed, joined]) {
    expect((await each.inbox.until(({ type }) => type === 'closing')).at(-1)).toMatchObject(closing)
    expect((await each.closed).code).toBe(4000)
  }
  expect(await line.ended).toMatchObject(closing)
  expect(await stream.inbox.next()).toMatchObject(closing)
  await stream.ended
  const { http, code, headers } = await poll
  expect([http, code, Number(headers.get('retry-after')) > 0]).toEqual([503, 'draining', true])
  expect(await publisher.until('HTTP/1.1 201')).toContain('"cursor"')
  // Neither a handshake nor a body that never comes holds it up.
  expect((await forgotten.closed).code).toBe(1006)
  expect(await gone).toEqual([0, null])
  expect(Date.now() - began).toBeLessThan(10_000)
  const again = await start({ HOLDLINE_DATA: data })
  expect((await wholeHistory(again.base, other)).map(({ data }) => data)).toEqual(['hellohello'])
})
