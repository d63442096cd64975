import { describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import type { ServerEvent } from './clients/events.ts'
import { call, history, info, type Query, say, url } from './clients/http.ts'
import { tellingTransportsOf, transportsOf } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { at } from './cursor.ts'
import { chapter, freshRoom, freshSecret, type Gateway, range } from './suite.ts'

async function sayAll(gateway: Gateway, room: string, count: number): Promise<string[]> {
  const cursors: string[] = []
  for (const i of range(count, 1)) cursors.push(await say(gateway.url, room, `m${i}`))
  return cursors
}

const named = (from: number, count: number) => range(count, from).map((i) => `m${i}`)
const payloads = (events: ServerEvent[]) => events.map(({ payload }) => payload)

const malformed: Query[] = [
  ...['', '-1', '1.5', 'x', '1e2', ' 5', '0x5', '٣'].map((rewind) => ({ rewind })),
  ...['', 'short', 'x'.repeat(129)].map((resume) => ({ resume })),
]

chapter('follow', (gateway) => {
  test.each(malformed)('FOLLOW-1 %j is refused on each transport', async (query) => {
    const room = freshRoom()
    for (const route of ['/poll', '/events']) {
      const { http, code } = await call(url(gateway.url, room, route, query))
      expect([route, http, code]).toEqual([route, 400, 'bad_request'])
    }
    for (const client of [new Framed(gateway.url, room, query), new Plain(gateway.url, room, query)]) {
      const { code, reason } = await client.closed
      expect([code, reason.split(/\W/)[0]]).toEqual([4500, 'bad_request'])
    }
  })

  describe.each(transportsOf(gateway))('$name', (transport) => {
    test('FOLLOW-1 without a cursor it starts from now', async () => {
      const room = freshRoom()
      await sayAll(gateway, room, 3)
      const reader = await transport.open(gateway.url, room)
      await say(gateway.url, room, 'now')
      expect(payloads(await reader.messages(1))).toEqual(['now'])
    })

    test.each([
      { query: { rewind: 2 }, first: 4 },
      { query: { rewind: 0 }, first: 6 },
      { query: { rewind: 5 }, first: 1 },
      { query: { rewind: 1000 }, first: 1 },
    ])('FOLLOW-1, FOLLOW-4 $query starts so many messages back, or as far as there is', async ({ query, first }) => {
      const room = freshRoom()
      await sayAll(gateway, room, 5)
      const reader = await transport.open(gateway.url, room, query)
      await say(gateway.url, room, 'end')
      expect(await reader.payloadsUntil('end')).toEqual(named(first, 6 - first))
      expect(reader.welcome.recovered).not.toBe(true)
    })

    test('FOLLOW-1 it rewinds by 1,000 at most', async () => {
      const room = freshRoom()
      const publisher = await Framed.open(gateway.url, room)
      for (const start of [1, 251, 501, 751, 1001]) {
        publisher.send(named(start, 250).map((data) => ({ op: 'publish', data, echo: false })))
      }
      await publisher.ask({ op: 'publish', data: 'm1251' })
      const reader = await transport.open(gateway.url, room, { rewind: 999_999 })
      expect(payloads(await reader.messages(1000))).toEqual(named(252, 1000))
    })

    test('FOLLOW-1 beside a cursor rewind is ignored', async () => {
      const room = freshRoom()
      const cursors = await sayAll(gateway, room, 5)
      const reader = await transport.open(gateway.url, room, { cursor: cursors[3], rewind: 5 })
      expect(payloads(await reader.messages(1))).toEqual(['m5'])
    })

    test('FOLLOW-2 resumes everything after the cursor, once, in order', async () => {
      const room = freshRoom()
      const cursors = await sayAll(gateway, room, 20)
      for (const seen of [1, 10, 19, 20]) {
        const reader = await transport.open(gateway.url, room, { cursor: cursors[seen - 1] })
        await say(gateway.url, room, `end ${seen}`)
        const before = await reader.payloadsUntil(`end ${seen}`)
        expect(before.filter((payload) => `${payload}`.startsWith('m'))).toEqual(named(seen + 1, 20 - seen))
      }
    })

    test('FOLLOW-2 nothing is lost or repeated between what was kept and what is published now', async () => {
      const room = freshRoom()
      const publisher = await Framed.open(gateway.url, room)
      publisher.send(named(1, 200).map((data) => ({ op: 'publish', data, echo: false })))
      const readers = []
      // Opened while the publisher is at it, each at another point of its work.
      for (const i of range(10)) {
        publisher.send(named(201 + i * 50, 50).map((data) => ({ op: 'publish', data, echo: false })))
        readers.push(transport.open(gateway.url, room, { cursor: '0-0' }))
        await publisher.inbox.next()
      }
      for (const reader of await Promise.all(readers))
        expect(payloads(await reader.messages(700))).toEqual(named(1, 700))
    })
  })

  describe.each(tellingTransportsOf(gateway))('$name', (transport) => {
    test('FOLLOW-3 a cursor of another log is a gap, epoch, then comes what there is', async () => {
      const room = freshRoom()
      const foreign = await say(gateway.url, freshRoom(), 'elsewhere')
      const cursors = await sayAll(gateway, room, 3)
      const reader = await transport.open(gateway.url, room, { cursor: foreign })
      const gap = await reader.next()
      expect(gap).toMatchObject({ type: 'gap', after: foreign, reason: 'epoch' })
      expect(payloads(await reader.messages(3))).toEqual(named(1, 3))
      expect(reader.welcome.recovered).not.toBe(true)
      const from = await transport.open(gateway.url, room, { cursor: gap.before })
      expect((await from.messages(3)).map(({ cursor }) => cursor)).toEqual(cursors)
    })

    test('FOLLOW-3 a cursor beyond the head is a gap, rolled-back, then comes what is published', async () => {
      const room = freshRoom()
      const cursors = await sayAll(gateway, room, 3)
      const beyond = at(`${cursors[2]}`, 100)
      const reader = await transport.open(gateway.url, room, { cursor: beyond })
      expect(await reader.next()).toMatchObject({
        type: 'gap',
        after: beyond,
        before: cursors[2],
        reason: 'rolled-back',
      })
      const next = await say(gateway.url, room, 'new')
      expect((await reader.messages(1)).map(({ payload, cursor }) => [payload, cursor])).toEqual([['new', next]])
    })

    test('FOLLOW-3 a cursor of a log that a room without one cannot know is a gap', async () => {
      const foreign = await say(gateway.url, freshRoom(), 'elsewhere')
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room, { cursor: foreign })
      expect(await reader.next()).toMatchObject({ type: 'gap', after: foreign, reason: 'epoch' })
      await say(gateway.url, room, 'first')
      expect(payloads(await reader.messages(1))).toEqual(['first'])
    })

    test('FOLLOW-3 the cursor kept after a gap is no gap again', async () => {
      const room = freshRoom()
      const cursors = await sayAll(gateway, room, 1)
      const first = await transport.open(gateway.url, room, { cursor: at(`${cursors[0]}`, 9) })
      expect(await first.next()).toMatchObject({ type: 'gap' })
      const second = await transport.open(gateway.url, room, { cursor: first.cursor })
      await say(gateway.url, room, 'new')
      expect(payloads(await second.messages(1))).toEqual(['new'])
    })

    test('FOLLOW-6 the session is a hash of room and secret, the same on each transport, elsewhere another', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const { welcome } = await transport.open(gateway.url, room, { resume })
      const same = await Framed.open(gateway.url, room, { resume })
      const others = [
        await transport.open(gateway.url, freshRoom(), { resume }),
        await transport.open(gateway.url, room, { resume: freshSecret() }),
        await transport.open(gateway.url, room),
      ]
      expect(same.welcome.session).toBe(welcome.session)
      expect(welcome.session).toMatch(/^[!-~]{1,128}$/)
      expect(resume).not.toContain(welcome.session)
      expect(new Set([welcome, ...others.map((other) => other.welcome)].map(({ session }) => session)).size).toBe(4)
      expect(welcome.resume).toBeUndefined()
    })

    test('FOLLOW-1, FOLLOW-6 the secret that the server made resumes the session, and stands in from', async () => {
      const room = freshRoom()
      const { welcome } = await transport.open(gateway.url, room)
      expect(welcome.resume).toMatch(/^[A-Za-z0-9_-]{22,128}$/)
      const again = await transport.open(gateway.url, room, { resume: welcome.resume })
      expect([again.welcome.session, again.welcome.resume]).toEqual([welcome.session, undefined])
      await say(gateway.url, room, 'mine', { resume: welcome.resume })
      expect((await again.messages(1))[0]?.from).toBe(welcome.session)
    })

    test('FOLLOW-7 a room that is only read keeps the cursor 0-0', async () => {
      const room = freshRoom()
      const { welcome } = await transport.open(gateway.url, room)
      expect([welcome.cursor, welcome.head]).toEqual(['0-0', '0-0'])
      expect((await info(gateway.url, room)).cursor).toBe('0-0')
      expect(await history(gateway.url, room)).toEqual({ messages: [], next: '0-0', prev: null })
    })

    test.each([
      { name: 'to others', audience: (other: string) => ({ to: { sessions: [other] } }) },
      { name: 'to all but this one', audience: (_: string, own: string) => ({ except: [own] }) },
    ])('FOLLOW-8 after 256 messages $name the client hears how far it has come', async ({ audience }) => {
      const room = freshRoom()
      const { session: other } = await ask(gateway.url, room, { resume: freshSecret() })
      const publisher = await Framed.open(gateway.url, room)
      const reader = await transport.open(gateway.url, room)
      const hidden = { op: 'publish', data: 'hidden', ...audience(`${other}`, `${reader.welcome.session}`) }
      publisher.send(range(256).map(() => hidden))
      await publisher.ask(hidden)
      await eventually('the cursor has moved', () => reader.cursor !== '0-0')
      publisher.send({ op: 'publish', data: 'end' })
      expect(await reader.payloadsUntil('end')).toEqual([])
    })
  })

  test('FOLLOW-8 a page’s cursor is how far was scanned, though nothing in it was for this client', async () => {
    const room = freshRoom()
    const other = (await ask(gateway.url, room, { resume: freshSecret() })).session
    const publisher = await Framed.open(gateway.url, room)
    publisher.send(range(50).map((data) => ({ op: 'publish', data, to: { sessions: [other] } })))
    publisher.send({ op: 'publish', ref: 'last', data: 'last', to: { sessions: [other] } })
    const { cursor: last } = (await publisher.inbox.until(({ ref }) => ref === 'last')).at(-1) as ServerEvent
    const polled = await ask(gateway.url, room, { cursor: '0-0', wait: 0 })
    expect([polled.events, polled.cursor, polled.head]).toEqual([[], last, last])
    expect(await history(gateway.url, room, { after: '0-0' })).toMatchObject({ messages: [], next: last })
  })
})
