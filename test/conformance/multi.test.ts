import { describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import type { ServerEvent } from './clients/events.ts'
import type { Follower } from './clients/follower.ts'
import { call, history, info, postJson, type Query, say, url, wholeHistory } from './clients/http.ts'
import { tellingTransports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { whoIsHere } from './clients/presence.ts'
import { FRAMED_HEADER, handshake, RawClient } from './clients/raw.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway, range } from './suite.ts'

const freshRooms = (count: number): string[] => range(count).map(freshRoom)

/** By room, what came of the messages, in the order in which they came. */
function perRoom<T>(events: ServerEvent[], what: (event: ServerEvent) => T): Record<string, T[]> {
  const found: Record<string, T[]> = {}
  for (const event of events) {
    const room = `${event.room}`
    found[room] ??= []
    found[room].push(what(event))
  }
  return found
}

const sameForAll = <T>(rooms: string[], what: T): Record<string, T> =>
  Object.fromEntries(rooms.map((room) => [room, what]))

/** Publishes to each room in turn, as a crowd would. */
async function sayAll(gateway: Gateway, rooms: string[], numbers: number[]): Promise<Record<string, string>> {
  const last: Record<string, string> = {}
  for (const i of numbers) {
    const cursors = await Promise.all(rooms.map((room) => say(gateway.url, room, i)))
    for (const [at, room] of rooms.entries()) last[room] = `${cursors[at]}`
  }
  return last
}

const malformed: { query: Query; code: string }[] = [
  { query: {}, code: 'bad_request' },
  { query: { rooms: '' }, code: 'bad_request' },
  { query: { rooms: 'a,b,a' }, code: 'bad_request' },
  { query: { rooms: range(33).join(',') }, code: 'bad_request' },
  { query: { rooms: 'a,,b' }, code: 'bad_room' },
  { query: { rooms: 'a,b/c' }, code: 'bad_room' },
  { query: { rooms: 'a,..' }, code: 'bad_room' },
  { query: { rooms: 'a, b' }, code: 'bad_room' },
  { query: { rooms: `a,${'x'.repeat(129)}` }, code: 'bad_room' },
  { query: { rooms: 'a,b', rewind: '-1' }, code: 'bad_request' },
  { query: { rooms: 'a,b', resume: 'short' }, code: 'bad_request' },
  { query: { rooms: 'a,b', presence: 'yes' }, code: 'bad_request' },
  { query: { rooms: 'a,b', presence: 'r1.r2.r3' }, code: 'bad_request' },
  { query: { rooms: 'a,b', presence: 'r1.x' }, code: 'bad_request' },
  { query: { rooms: 'a,b', cursor: '' }, code: 'bad_cursor' },
  { query: { rooms: 'a,b', cursor: '0-0' }, code: 'bad_cursor' },
  { query: { rooms: 'a,b', cursor: '0-0.0-0.0-0' }, code: 'bad_cursor' },
  { query: { rooms: 'a,b', cursor: '0-0.x' }, code: 'bad_cursor' },
  { query: { rooms: 'a,b', cursor: 'nonsense' }, code: 'bad_cursor' },
]

chapter('several rooms', (gateway) => {
  test.each(malformed)('MULTI-1, MULTI-3, MULTI-4 $query is refused with $code on each transport', async (given) => {
    const { query, code } = given
    const rooms = `${query.rooms ?? ''}`
    for (const route of ['/poll', '/events']) {
      const address = query.rooms === undefined ? `${gateway.url}/v1${route}` : url(gateway.url, [rooms], route, query)
      const answer = await call(address)
      expect([route, answer.http, answer.code]).toEqual([route, 400, code])
    }
    const closed = await new Framed(gateway.url, [rooms], query).closed
    expect([closed.code, closed.reason.split(/\W/)[0]]).toEqual([4500, code])
  })

  test('MULTI-3 a cursor fits the list that it was given for, in its order', async () => {
    const rooms = freshRooms(3)
    const { cursor } = await ask(gateway.url, rooms)
    expect((await ask(gateway.url, rooms, { cursor, wait: 0 })).http).toBe(200)
    expect(cursor).toMatch(/^[a-z0-9.-]+$/)
    const others = [rooms.toReversed(), rooms.slice(1), [...rooms, freshRoom()], [...rooms.slice(1), freshRoom()]]
    for (const other of others) {
      for (const route of ['/poll', '/events']) {
        expect(await call(url(gateway.url, other, route, { cursor }))).toMatchObject({ http: 400, code: 'bad_cursor' })
      }
      expect((await new Framed(gateway.url, other, { cursor }).closed).code).toBe(4500)
    }
  })

  describe.each(tellingTransports)('$name', (transport) => {
    test('MULTI-1, MULTI-2 each room is heard whole, in its order, with its own cursors', async () => {
      const rooms = freshRooms(5)
      const follower = await transport.open(gateway.url, rooms)
      await sayAll(gateway, rooms, range(20))
      const heard = await follower.messages(100)
      expect(perRoom(heard, ({ data }) => data)).toEqual(sameForAll(rooms, range(20)))
      for (const room of rooms) {
        const kept = await wholeHistory(gateway.url, room)
        const own = heard.filter((event) => event.room === room)
        expect(own.map(({ cursor, id }) => [cursor, id])).toEqual(kept.map(({ cursor, id }) => [cursor, id]))
      }
    })

    test('MULTI-2, DATA-1 data arrives with the tokens it was sent with', async () => {
      const rooms = freshRooms(2)
      const follower = await transport.open(gateway.url, rooms)
      const texts = ['1.0', '1e400', '1152921504606846977', '{"room":"x","room":"y", "a" : [ ]}', '"\\ud83d\\ude00}{"']
      for (const text of texts) for (const room of rooms) await postJson(gateway.url, room, `{"data":${text}}`)
      for (const room of rooms) await postJson(gateway.url, room, { bytes: 'AAEC/w==' })
      const heard = await follower.messages(texts.length * 2 + 2)
      expect(perRoom(heard, ({ raw, bytes }) => raw ?? bytes)).toEqual(sameForAll(rooms, [...texts, 'AAEC/w==']))
    })

    test('MULTI-3, FOLLOW-2 it resumes each room where it was, also with cursors that the client joined', async () => {
      const rooms = freshRooms(4)
      const first = await transport.open(gateway.url, rooms)
      // Not as often in each, so that no cursor could stand for another.
      for (const [i, room] of rooms.entries()) await sayAll(gateway, [room], range(i + 1))
      await first.messages(10)
      await first.close()
      await sayAll(gateway, rooms, [100, 101])
      for (const cursor of [first.given(rooms), first.vector(rooms)]) {
        const again = await transport.open(gateway.url, rooms, { cursor })
        expect(perRoom(await again.messages(8), ({ data }) => data)).toEqual(sameForAll(rooms, [100, 101]))
        expect(again.cursors).toEqual(
          new Map(
            await Promise.all(rooms.map(async (room) => [room, (await info(gateway.url, room)).cursor] as const)),
          ),
        )
      }
    })

    test('MULTI-3, MULTI-4 a room without a cursor starts from now, or rewound', async () => {
      const rooms = freshRooms(2)
      const last = await sayAll(gateway, rooms, range(5))
      const cursor = `${last[`${rooms[0]}`]}.`
      const now = await transport.open(gateway.url, rooms, { cursor })
      const rewound = await transport.open(gateway.url, rooms, { cursor, rewind: 2 })
      const both = await transport.open(gateway.url, rooms, { rewind: 1 })
      await sayAll(gateway, rooms, [5])
      const [a = '', b = ''] = rooms
      expect(perRoom(await now.messages(2), ({ data }) => data)).toEqual({ [a]: [5], [b]: [5] })
      expect(perRoom(await rewound.messages(4), ({ data }) => data)).toEqual({ [a]: [5], [b]: [3, 4, 5] })
      expect(perRoom(await both.messages(4), ({ data }) => data)).toEqual({ [a]: [4, 5], [b]: [4, 5] })
    })

    test('MULTI-2, FOLLOW-3 a gap is of one room and no other', async () => {
      const rooms = freshRooms(3)
      const [a = '', b = '', c = ''] = rooms
      const foreign = await say(gateway.url, freshRoom(), 'elsewhere')
      const last = await sayAll(gateway, rooms, range(3))
      const cursor = [last[a], foreign, last[c]].join('.')
      const follower = await transport.open(gateway.url, rooms, { cursor })
      const heard = await follower.inbox.until(({ type, data }) => type === 'message' && data === 2)
      const gaps = heard.filter(({ type }) => type === 'gap')
      expect(gaps).toMatchObject([{ room: b, after: foreign, reason: 'epoch' }])
      expect(heard.filter(({ type }) => type === 'message').map(({ room, data }) => [room, data])).toEqual(
        range(3).map((i) => [b, i]),
      )
      await sayAll(gateway, rooms, [3])
      expect(perRoom(await follower.messages(3), ({ data }) => data)).toEqual(sameForAll(rooms, [3]))
      expect(follower.cursors.get(b)).toBe((await history(gateway.url, b)).next)
    })

    test('MULTI-2, PUB-8 who may see what holds in each room', async () => {
      const [rooms, resume] = [freshRooms(2), freshSecret()]
      const follower = await transport.open(gateway.url, rooms, { resume })
      for (const room of rooms) {
        const { session } = await ask(gateway.url, room, { resume })
        await postJson(gateway.url, room, { data: 'to me', to: { sessions: [session] } })
        await postJson(gateway.url, room, { data: 'not to me', except: [session] })
        await postJson(gateway.url, room, { data: 'to another', to: { sessions: ['another'] } })
        await say(gateway.url, room, 'end')
      }
      expect(perRoom(await follower.messages(4), ({ data }) => data)).toEqual(sameForAll(rooms, ['to me', 'end']))
    })

    test('MULTI-4, FOLLOW-6 one secret is another session in each room, the same as on the room’s own routes', async () => {
      const rooms = freshRooms(3)
      const resume = freshSecret()
      const sessions = async (query: Query) => {
        const follower = await transport.open(gateway.url, rooms, query)
        const answer = await ask(gateway.url, rooms, { resume: query.resume ?? secretOf(follower), wait: 0 })
        const told = Object.fromEntries((answer.rooms ?? []).map(({ room, session }) => [room, session]))
        for (const [room, { session }] of follower.welcomes) expect(session).toBe(told[room])
        return { told, follower }
      }
      const { told } = await sessions({ resume })
      for (const room of rooms) expect(told[room]).toBe((await ask(gateway.url, room, { resume })).session)
      expect(new Set(Object.values(told)).size).toBe(3)
      const { told: made, follower } = await sessions({})
      expect(secretOf(follower)).toMatch(/^[A-Za-z0-9_-]{22,128}$/)
      expect(new Set([...Object.values(told), ...Object.values(made)]).size).toBe(6)
    })

    test('MULTI-4, PRES-1, PRES-4 with presence it is present in each room, and hears of each', async () => {
      const [rooms, resume] = [freshRooms(3), freshSecret()]
      const others = await Promise.all(rooms.map((room) => Framed.open(gateway.url, room, { presence: 1 })))
      const follower = await transport.open(gateway.url, rooms, { presence: 1, resume })
      await Promise.all(
        rooms.map((room) =>
          eventually(`two are in ${room}`, async () => (await whoIsHere(gateway.url, room)).count === 2),
        ),
      )
      await sayAll(gateway, rooms, [0])
      const heard = (await until(follower, rooms, 0)).filter(({ type }) => type === 'presence')
      // A poll that is answered by one room hears of the others with the next.
      for (const [i, room] of rooms.entries()) {
        const own = heard.filter((event) => event.room === room)
        expect(own[0]?.action).toBe('sync')
        expect(own[0]?.members).toContainEqual({ session: others[i]?.welcome.session })
        expect(own.at(-1)?.rev).toBe((await whoIsHere(gateway.url, room)).rev)
      }
      await others[1]?.ask({ op: 'presence', state: 'new' })
      await sayAll(gateway, rooms, [1])
      const changed = (await until(follower, rooms, 1)).filter(({ type }) => type === 'presence')
      expect(new Set(changed.map(({ room }) => room))).toEqual(new Set([rooms[1]]))
      await follower.close()
      const back = await transport.open(gateway.url, rooms, {
        presence: rooms.map((room) => follower.revs.get(room)).join('.'),
        cursor: follower.vector(rooms),
        resume,
      })
      await sayAll(gateway, rooms, [2])
      expect((await until(back, rooms, 2)).filter(({ type }) => type === 'presence')).toEqual([])
    })

    test('MULTI-1 32 rooms are one connection', async () => {
      const rooms = freshRooms(32)
      const last = await sayAll(gateway, rooms, [0])
      const cursor = rooms.map((room) => last[room]).join('.')
      const follower = await transport.open(gateway.url, rooms, { cursor })
      await sayAll(gateway, rooms, [1, 2])
      expect(perRoom(await follower.messages(64), ({ data }) => data)).toEqual(sameForAll(rooms, [1, 2]))
    })
  })

  describe.each(tellingTransports)('from $name', (from) => {
    test.each(tellingTransports)('MULTI-3, FOLLOW-5 a cursor taken here resumes on $name', async (to) => {
      const [rooms, resume] = [freshRooms(3), freshSecret()]
      const first = await from.open(gateway.url, rooms, { resume })
      await sayAll(gateway, rooms, [0, 1])
      await first.messages(6)
      await first.close()
      await sayAll(gateway, rooms, [2])
      const second = await to.open(gateway.url, rooms, { resume, cursor: first.given(rooms) })
      await sayAll(gateway, rooms, [3])
      expect(perRoom(await second.messages(6), ({ data }) => data)).toEqual(sameForAll(rooms, [2, 3]))
    })
  })

  test('MULTI-3, FOLLOW-5 who hops between all of them while messages are published in 5 rooms hears each once, in order', async () => {
    const [rooms, resume, count] = [freshRooms(5), freshSecret(), 120]
    const publisher = await Framed.open(gateway.url, rooms)
    const heard: ServerEvent[] = []
    let cursor = rooms.map(() => '0-0').join('.')
    let [published, hops] = [0, 0]
    const publish = (most: number) => {
      const numbers = range(Math.min(most, count - published), published)
      for (const data of numbers) {
        publisher.send(rooms.map((room) => ({ op: 'publish', room, data, echo: false })))
      }
      published += numbers.length
    }
    while (heard.length < count * rooms.length) {
      publish(1 + (hops % 4))
      const transport = tellingTransports[hops++ % tellingTransports.length]
      const follower = await transport?.open(gateway.url, rooms, { cursor, resume })
      publish(1 + (hops % 3))
      const stay = (await follower?.messages(1)) ?? []
      await follower?.close()
      // Also what had arrived when we closed: a client that received it has seen it.
      stay.push(...(follower?.inbox.waiting() ?? []).filter(({ type }) => type === 'message'))
      heard.push(...stay)
      cursor = `${follower?.given(rooms)}`
    }
    expect(perRoom(heard, ({ data }) => data)).toEqual(sameForAll(rooms, range(count)))
    expect(hops).toBeGreaterThan(20)
  })

  const connected = (kind: 'websocket' | 'poll' | 'sse', rooms: string[], count: number) =>
    eventually(`each room has ${count} ${kind}`, async () => {
      const all = await Promise.all(rooms.map((room) => info(gateway.url, room)))
      return all.every(({ connections }) => connections?.[kind] === count)
    })

  test('MULTI-12 a WebSocket that closes, ends or is cut is gone from every room', async () => {
    const rooms = freshRooms(4)
    const closed = await Framed.open(gateway.url, rooms)
    const [ended, cut] = range(2).map(() => new RawClient(gateway.url))
    for (const client of [ended, cut]) {
      client?.write(handshake(gateway.url, rooms, FRAMED_HEADER))
      await client?.until('welcome')
    }
    await connected('websocket', rooms, 3)
    await closed.close()
    ended?.socket.end()
    cut?.socket.resetAndDestroy()
    await connected('websocket', rooms, 0)
  })

  test('MULTI-12 a poll that was answered, or waited long enough, is gone from every room', async () => {
    const rooms = freshRooms(4)
    const { cursor } = await ask(gateway.url, rooms)
    const polls = range(3).map(() => ask(gateway.url, rooms, { cursor, wait: 20 }))
    await connected('poll', rooms, 3)
    await say(gateway.url, `${rooms[2]}`, 'x')
    const answers = await Promise.all(polls)
    for (const { events } of answers) expect(events).toMatchObject([{ room: rooms[2], data: 'x' }])
    await connected('poll', rooms, 0)
    expect((await ask(gateway.url, rooms, { cursor: answers[0]?.cursor, wait: 1 })).events).toEqual([])
    await connected('poll', rooms, 0)
  })

  // That its reader has left shows on workerd only when something cannot be delivered: see grace.test.ts.
  test.runIf(gateway.target.name === 'node')(
    'MULTI-12 a poll or a stream that is abandoned is gone from every room',
    async () => {
      const rooms = freshRooms(4)
      const followers = await Promise.all(tellingTransports.map((transport) => transport.open(gateway.url, rooms)))
      await connected('sse', rooms, 1)
      await connected('poll', rooms, 1)
      for (const follower of followers) await follower.close()
      await connected('sse', rooms, 0)
      await connected('poll', rooms, 0)
    },
  )
})

const secretOf = ({ welcome, welcomes }: Follower): string => `${welcome.resume ?? [...welcomes.values()][0]?.resume}`

/** All that comes until each room has said that. */
async function until(follower: Follower, rooms: string[], data: unknown): Promise<ServerEvent[]> {
  const left = new Set(rooms)
  return follower.inbox.until((event) => {
    if (event.type === 'message' && event.data === data) left.delete(`${event.room}`)
    return left.size === 0
  })
}
