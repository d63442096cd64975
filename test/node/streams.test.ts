import { expect, it } from 'vitest'
import { call, say, url } from '../conformance/clients/http.ts'
import { RawClient } from '../conformance/clients/raw.ts'
import { freshRoom } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { start } from './gateway.ts'

const get = (base: string, path: string, version: '1.0' | '1.1') =>
  `GET ${path} HTTP/${version}\r\nhost: ${new URL(base).host}\r\n\r\n`

/** The body of a response in chunks, as far as it has come (RFC 9112 section 7.1). */
function unchunked(bytes: string): string {
  let body = ''
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.slice(at, line), 16)
    body += bytes.slice(line + 2, line + 2 + size)
    expect(bytes.slice(line + 2 + size, line + 4 + size)).toBe('\r\n')
    at = line + 4 + size
  }
  return body
}

it('SSE-1 a stream comes in chunks that are whole, also behind a request that is answered later', async () => {
  const { base } = await start({ HOLDLINE_DATA: ':memory:' })
  const [room, slow] = [freshRoom(), freshRoom()]
  const cursor = await say(base, slow, 'before')
  const client = new RawClient(base)
  client.write(
    get(base, `/v1/rooms/${slow}/poll?cursor=${cursor}`, '1.1'),
    get(base, `/v1/rooms/${room}/events`, '1.1'),
  )
  const streams = (count: number) =>
    eventually('it streams', async () => (await call(url(base, room))).connections?.sse === count)
  await streams(1)
  await say(base, room, 'while it waits')
  await say(base, slow, 'answered')
  await client.until('while it waits')
  for (const data of ['one', 'two']) await say(base, room, data)
  const [answer, stream = ''] = (await client.until('"two"')).split('content-type: text/event-stream')
  expect(answer).toContain('"answered"')
  expect(stream.toLowerCase()).toContain('transfer-encoding: chunked')
  const blocks = unchunked(stream.slice(stream.indexOf('\r\n\r\n') + 4)).split('\n\n')
  const messages = blocks.flatMap((block) => /"data":"([^"]*)"/.exec(block)?.[1] ?? [])
  expect(messages).toEqual(['while it waits', 'one', 'two'])
  client.socket.destroy()
  await streams(0)
})

it('SSE-1 whoever speaks HTTP/1.0 has the stream as it is', async () => {
  const { base } = await start({ HOLDLINE_DATA: ':memory:' })
  const room = freshRoom()
  const client = new RawClient(base)
  client.write(get(base, `/v1/rooms/${room}/events`, '1.0'))
  await client.until('event: welcome')
  await say(base, room, 'x')
  const [, body = ''] = (await client.until('"x"')).split('\r\n\r\n')
  expect(body).toMatch(/^retry: \d+\nid: \S+\nevent: welcome\n/)
})
