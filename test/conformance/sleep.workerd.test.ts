import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workerd } from '../targets/workerd.ts'
import { beside } from './clients/ends.ts'
import { info, say } from './clients/http.ts'
import { transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { Stream } from './clients/sse.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { freshRoom, freshSecret, Gateway, range } from './suite.ts'

/**
 * A Durable Object is put to sleep after about ten seconds in which nothing happened, and any request, even one for its
 * state, wakes it. So silence in real time is what is tested here, and the one thing that cannot be asked for.
 */
const SILENCE = 14_000

const gateway = new Gateway(workerd)
// One of its own: what other files left attached would keep it awake.
beforeAll(() => gateway.start({}))
afterAll(() => gateway.stop())

// Concurrent, so that they wait together.
describe.concurrent('sleep on workerd', { timeout: 90_000 }, () => {
  test(
    'FOLLOW-2, POLL-3, INFO-1 a room sleeps with a WebSocket, a poll and a stream open, then answers all three',
    beside(async () => {
      const room = freshRoom()
      const cursor = await say(gateway.url, room, 'before')
      const socket = await Framed.open(gateway.url, room)
      const stream = await Stream.open(gateway.url, room)
      const poll = ask(gateway.url, room, { cursor, wait: 55 })
      const { awakeSince } = await info(gateway.url, room)
      await pass(SILENCE)
      const next = await say(gateway.url, room, 'after')
      const woken = await info(gateway.url, room)
      expect(woken.awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
      expect((await socket.messages(1)).map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
      expect((await stream.messages(1)).map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
      expect((await poll).events.map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
    }),
  )

  test(
    'MULTI-12 each of several rooms sleeps while a WebSocket, a poll and a stream over all of them are open',
    beside(async () => {
      const rooms = range(3).map(freshRoom)
      const cursors = await Promise.all(rooms.map((room) => say(gateway.url, room, 'before')))
      const socket = await Framed.open(gateway.url, rooms)
      const stream = await Stream.open(gateway.url, rooms)
      const poll = ask(gateway.url, rooms, { cursor: cursors.join('.'), wait: 55 })
      const awake = await Promise.all(rooms.map((room) => info(gateway.url, room)))
      await pass(SILENCE)
      const woken = await Promise.all(rooms.map((room) => info(gateway.url, room)))
      for (const [i, { awakeSince, connections }] of woken.entries()) {
        expect(awakeSince).toBeGreaterThan(awake[i]?.awakeSince ?? Number.NaN)
        expect(connections).toEqual({ websocket: 1, poll: 1, sse: 1, tcp: 0 })
      }
      await say(gateway.url, `${rooms[1]}`, 'after')
      const wanted = { room: rooms[1], payload: 'after' }
      expect(await socket.messages(1)).toMatchObject([wanted])
      expect(await stream.messages(1)).toMatchObject([wanted])
      expect((await poll).events).toMatchObject([wanted])
    }),
  )

  test(
    'INFO-1 ten sockets opened at once do not keep a room awake',
    beside(async () => {
      const room = freshRoom()
      const sockets = await Promise.all(range(10).map((i) => (i % 2 ? Framed : Plain).open(gateway.url, room)))
      const { awakeSince } = await info(gateway.url, room)
      await pass(SILENCE)
      const woken = await info(gateway.url, room)
      expect(woken.awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
      expect(woken.connections?.websocket).toBe(10)
      await say(gateway.url, room, 'morning')
      for (const socket of sockets) expect((await socket.messages(1))[0]?.payload).toBe('morning')
    }),
  )

  test(
    'WS-3, FOLLOW-6, PUB-5, PLAIN-1 who speaks first after the sleep is who it was before',
    beside(async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const framed = await Framed.open(gateway.url, room, { resume })
      const plain = await Plain.open(gateway.url, room)
      const first = await framed.ask({ op: 'publish', data: 'x', id: 'once', echo: false })
      await plain.messages(1)
      await pass(SILENCE)
      const again = await framed.ask({ op: 'publish', data: 'x', id: 'once', echo: false })
      expect(again).toMatchObject({ type: 'ack', cursor: first.cursor, duplicate: true })
      plain.send('from the plain one')
      const [heard] = await framed.messages(1)
      await framed.ask({ op: 'publish', data: 'loud' })
      expect((await framed.messages(1))[0]).toMatchObject({ data: 'loud', from: framed.welcome.session })
      expect(await plain.payloadsUntil('loud')).toEqual([])
      expect([heard?.payload, heard?.from !== framed.welcome.session]).toEqual(['from the plain one', true])
    }),
  )

  test(
    'WS-5 ping is answered while the room sleeps, and wakes it not',
    beside(async () => {
      const room = freshRoom()
      const framed = await Framed.open(gateway.url, room)
      const { awakeSince } = await info(gateway.url, room)
      const pinging = setInterval(() => framed.send({ op: 'ping' }), 3000)
      await pass(SILENCE)
      clearInterval(pinging)
      expect((await info(gateway.url, room)).awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
      expect((await framed.next()).type).toBe('pong')
    }),
  )

  test(
    'FOLLOW-7 a room that nobody wrote to sleeps, and is still empty',
    beside(async () => {
      const room = freshRoom()
      const readers = await Promise.all(transports.map((transport) => transport.open(gateway.url, room)))
      const { awakeSince } = await info(gateway.url, room)
      await pass(SILENCE)
      const woken = await info(gateway.url, room)
      expect(woken.awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
      expect(woken.cursor).toBe('0-0')
      await say(gateway.url, room, 'first')
      for (const reader of readers) expect((await reader.messages(1))[0]?.payload).toBe('first')
    }),
  )
})

/** Put to sleep on the spot: the same as silence, without the wait, and so between any two things that happen. */
describe('put to sleep on workerd', () => {
  const evict = async (room: string) => {
    if (!gateway.running.evict) throw new Error('workerd can evict')
    await gateway.running.evict(room, 'hibernate')
  }

  test('FOLLOW-2, PLAIN-1, PUB-5 asleep between any two messages, nobody misses or repeats one', async () => {
    const room = freshRoom()
    const readers = await Promise.all(transports.map((transport) => transport.open(gateway.url, room)))
    const resume = freshSecret()
    const [framed, plain] = [await Framed.open(gateway.url, room, { resume }), await Plain.open(gateway.url, room)]
    const wanted: string[] = []
    for (const i of range(10)) {
      await evict(room)
      const ack = await framed.ask({ op: 'publish', data: `framed ${i}`, id: `id ${i}`.replace(' ', '-') })
      await evict(room)
      const again = await say(gateway.url, room, `http ${i}`, { resume })
      await evict(room)
      plain.send(`plain ${i}`)
      const heard = await framed.messages(3)
      expect(heard.slice(0, 2).map(({ cursor }) => cursor)).toEqual([ack.cursor, again])
      expect(heard.map(({ from }) => from === framed.welcome.session)).toEqual([true, true, false])
      wanted.push(`framed ${i}`, `http ${i}`, `plain ${i}`)
    }
    for (const reader of readers) {
      expect((await reader.messages(wanted.length)).map(({ payload }) => payload)).toEqual(wanted)
    }
  })

  test('PUB-8, FOLLOW-8 who may hear what is not forgotten in the sleep', async () => {
    const room = freshRoom()
    const [anna, ben] = [await Framed.open(gateway.url, room), await Framed.open(gateway.url, room)]
    await evict(room)
    await ben.ask({ op: 'publish', data: 'to anna', to: { sessions: [anna.welcome.session] } })
    await evict(room)
    await anna.ask({ op: 'publish', data: 'not to me', echo: false })
    await evict(room)
    await say(gateway.url, room, 'end')
    expect(await anna.payloadsUntil('end')).toEqual(['to anna'])
    expect(await ben.payloadsUntil('end')).toEqual(['not to me'])
  })

  test('FOLLOW-2 asleep in the middle of a catch-up, it goes on where it was', async () => {
    const room = freshRoom()
    const publisher = await Framed.open(gateway.url, room)
    const sent = range(60).map((i) => `${i} ${'x'.repeat(60_000)}`)
    for (const data of sent) await publisher.ask({ op: 'publish', data, echo: false })
    const reader = await Framed.open(gateway.url, room, { cursor: '0-0' })
    await evict(room)
    // Real sleep comes only when a room has nothing left to send; this one is cut short, and must be woken to notice.
    await say(gateway.url, room, 'end')
    const heard = await reader.payloadsUntil('end')
    expect(heard.map((payload) => `${payload}`.split(' ')[0])).toEqual(range(60).map(String))
  })
})
