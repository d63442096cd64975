import { describe, expect, test } from 'vitest'
import { type Answer, call, history, post, postJson, say, url } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { LIMIT } from './corpus.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const FRAME_LIMIT = 6 * LIMIT + 16_384

const goodRooms = ['r', 'azAZ09_.:~@-', 'x'.repeat(128), '-', '~', ':', '@', '...', '0-0']
const badRooms = [
  'x'.repeat(129),
  'a b',
  'a/b',
  'é',
  '😀',
  'a%',
  'a!',
  'a+b',
  'a?b',
  'a#b',
  'a\n',
  '\0',
  '*',
  "a'b",
  'a,b',
  ' ',
]

// Unique by a message id rather than by a prefix: it is the whole name that is under test.
const unique = (name: string) => ({ data: name, id: freshSecret() })

chapter('names', (gateway) => {
  test.each(goodRooms)('NAME-1 a room may be called %j, on each transport', async (room) => {
    const readers = await Promise.all(transportsOf(gateway).map((transport) => transport.open(gateway.url, room)))
    expect((await postJson(gateway.url, room, unique(room))).http).toBe(201)
    for (const reader of readers) expect((await reader.messages(1))[0]?.payload).toBe(room)
  })

  test.each(badRooms)('NAME-1 a room may not be called %j', async (room) => {
    const refusals: Answer[] = [await postJson(gateway.url, room, unique('refused'))]
    for (const route of ['', '/messages', '/poll', '/events']) refusals.push(await call(url(gateway.url, room, route)))
    expect(refusals.map(({ http, code }) => `${http} ${code}`)).toEqual(refusals.map(() => '400 bad_room'))
    const { code, reason } = await new Plain(gateway.url, room).closed
    expect([code, reason.split(/\W/)[0]]).toEqual([4500, 'bad_room'])
  })

  test('NAME-1 names are compared byte by byte, whether percent-encoded or not', async () => {
    const room = `a:${freshRoom()}@B`
    await say(gateway.url, room, 'here')
    await say(gateway.url, room.toLowerCase(), 'elsewhere')
    for (const path of [room, encodeURIComponent(room), room.replace('a', '%61')]) {
      const { text } = await call(`${gateway.url}/v1/rooms/${path}/messages`)
      expect(text).toContain('"here"')
      expect(text).not.toContain('elsewhere')
    }
  })

  test('NAME-2 a message id is 1 to 128 printable ASCII characters', async () => {
    const room = freshRoom()
    const printable = String.fromCharCode(...range(94, 0x21))
    for (const id of ['!', printable, 'x'.repeat(128), '"\\"']) {
      const { http, id: answered } = await postJson(gateway.url, room, { data: 1, id })
      expect([http, answered]).toEqual([201, id])
    }
    for (const id of ['', 'x'.repeat(129), 'a b', 'é', '\u007f', 'a\n', '\0', '😀']) {
      const { http, code } = await postJson(gateway.url, room, { data: 1, id })
      expect([id, http, code]).toEqual([id, 400, 'bad_request'])
    }
    const kept = await history(gateway.url, room)
    expect(kept.messages.map(({ id }) => id)).toEqual(['!', printable, 'x'.repeat(128), '"\\"'])
  })

  test('NAME-2 an event is 1 to 64 of its characters', async () => {
    const room = freshRoom()
    const good = ['e', 'azAZ09_.:-', 'x'.repeat(64)]
    for (const event of good) expect((await postJson(gateway.url, room, { data: 1, event })).http).toBe(201)
    for (const event of ['', 'x'.repeat(65), 'a b', 'a~', 'a@b', 'é', 'a\n']) {
      const { http, code } = await postJson(gateway.url, room, { data: 1, event })
      expect([event, http, code]).toEqual([event, 400, 'bad_request'])
    }
    const { messages } = await history(gateway.url, room)
    expect(messages.map(({ event }) => event)).toEqual(good)
  })

  test('NAME-2 a resume secret is 22 to 128 of its characters', async () => {
    const room = freshRoom()
    for (const resume of ['x'.repeat(22), 'azAZ09_-'.repeat(16)]) {
      expect((await call(url(gateway.url, room, '/poll', { resume }))).http).toBe(200)
    }
    for (const resume of ['', 'x'.repeat(21), 'x'.repeat(129), `${'x'.repeat(22)} `, 'x.'.repeat(12), 'é'.repeat(30)]) {
      for (const route of ['/poll', '/events']) {
        const { http, code } = await call(url(gateway.url, room, route, { resume }))
        expect([resume, route, http, code]).toEqual([resume, route, 400, 'bad_request'])
      }
      const { http } = await postJson(gateway.url, room, { data: 1 }, { query: { resume } })
      expect([resume, http]).toEqual([resume, 400])
      expect((await new Plain(gateway.url, room, { resume }).closed).code).toBe(4500)
    }
  })

  test('NAME-2 a ref is a string of at most 64 characters, or an integer', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    for (const ref of ['', 'x'.repeat(64), '😀', 0, -1, 9_007_199_254_740_991]) {
      framed.send({ op: 'publish', ref, data: 1, echo: false })
      expect(await framed.next()).toMatchObject({ type: 'ack', ref })
    }
    for (const ref of ['x'.repeat(65), 1.5, null, true, [], {}]) {
      const error = await framed.provoke(JSON.stringify({ op: 'publish', ref, data: 1 }))
      expect([ref, error.type, error.code, error.ref]).toEqual([ref, 'error', 'bad_request', undefined])
    }
  })
})

const largest = [
  { name: 'text', data: JSON.stringify('a'.repeat(LIMIT)) },
  { name: 'text of two bytes a character', data: JSON.stringify('é'.repeat(LIMIT / 2)) },
  { name: 'text of which each byte is written with six', data: `"${'\\u0001'.repeat(LIMIT)}"` },
  { name: 'text of surrogate pairs, escaped', data: `"${'\\ud83d\\ude00'.repeat(LIMIT / 4)}"` },
  { name: 'JSON', data: `[${'1,'.repeat(LIMIT / 2 - 2)}10]` },
].map((item) => ({
  ...item,
  larger: item.data.startsWith('"') ? `${item.data.slice(0, -1)}b"` : item.data.replace('10', '100'),
}))

chapter('sizes', (gateway) => {
  test.each(largest)('SIZE-1 $name of 65,536 bytes is taken, one byte more refused', async ({ data, larger }) => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    expect((await postJson(gateway.url, room, `{"data":${data}}`)).http).toBe(201)
    expect((await framed.messages(1))[0]).toMatchObject({ type: 'message' })
    framed.send(`{"op":"publish","ref":1,"echo":false,"data":${data}}`)
    expect(await framed.next()).toMatchObject({ type: 'ack', ref: 1 })

    const { http, code } = await postJson(gateway.url, room, `{"data":${larger}}`)
    expect([http, code]).toEqual([413, 'too_large'])
    framed.send(`{"op":"publish","ref":2,"data":${larger}}`)
    expect(await framed.next()).toMatchObject({ type: 'error', ref: 2, code: 'too_large' })
    expect((await history(gateway.url, room)).messages).toHaveLength(2)
  })

  test('SIZE-1 bytes of 65,536 are taken, one more refused, raw or as base64', async () => {
    const room = freshRoom()
    for (const [size, status] of [
      [LIMIT, 201],
      [LIMIT + 1, 413],
    ] as const) {
      const bytes = new Uint8Array(size)
      const base64 = Buffer.from(bytes).toString('base64')
      expect((await post(gateway.url, room, undefined, bytes)).http).toBe(status)
      expect((await post(gateway.url, room, 'text/plain', bytes)).http).toBe(status)
      expect((await postJson(gateway.url, room, { bytes: base64 })).http).toBe(status)
    }
  })

  describe('on a plain connection', () => {
    test.each([
      { name: 'text', largest: 'é'.repeat(LIMIT / 2), larger: `${'é'.repeat(LIMIT / 2)}b` },
      { name: 'bytes', largest: new Uint8Array(LIMIT), larger: new Uint8Array(LIMIT + 1) },
    ])('SIZE-1 $name of 65,536 bytes arrive, one more closes it with 1009', async ({ largest, larger }) => {
      const room = freshRoom()
      const other = await Plain.open(gateway.url, room)
      const sender = await Plain.open(gateway.url, room)
      sender.send(largest)
      expect((await other.messages(1))[0]?.payload).toHaveLength(largest.length)
      sender.send(larger)
      expect((await sender.closed).code).toBe(1009)
      await say(gateway.url, room, 'marker')
      expect(await other.payloadsUntil('marker')).toEqual([])
    })
  })

  test('SIZE-2 a WebSocket message of six times the limit and 16 KiB is read, a longer one closes with 1009', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    const padded = (length: number) => `${'{"op":"publish","ref":1,"data":1,"echo":false'.padEnd(length - 1)}}`
    framed.send(padded(FRAME_LIMIT))
    expect(await framed.next()).toMatchObject({ type: 'ack', ref: 1 })
    framed.send(padded(FRAME_LIMIT + 1))
    expect((await framed.closed).code).toBe(1009)
  })

  test('SIZE-2 a WebSocket message holds at most 256 operations', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    const operations = (count: number) =>
      JSON.stringify(range(count).map((ref) => ({ op: 'publish', ref, data: ref, echo: false })))
    framed.send(operations(256))
    for (const ref of range(256)) expect(await framed.next()).toMatchObject({ type: 'ack', ref })
    expect(await framed.provoke(operations(257))).toMatchObject({ type: 'error', code: 'bad_request' })
    framed.send({ op: 'publish', ref: 'after', data: 1 })
    expect(await framed.next()).toMatchObject({ type: 'message' })
  })
})
