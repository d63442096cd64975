import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Running } from '../targets/target.ts'
import { workerd } from '../targets/workerd.ts'
import { beside } from './clients/ends.ts'
import { info, say } from './clients/http.ts'
import { transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { Stream } from './clients/sse.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { freshRoom, freshSecret, range } from './suite.ts'

/**
 * A Durable Object is put to sleep after about ten seconds in which nothing happened, and any request, even one for its
 * state, wakes it. So silence in real time is what is tested here, and the one thing that cannot be asked for.
 */
const SILENCE = 14_000

let gateway: Running
beforeAll(async () => {
  gateway = await workerd.start()
})
afterAll(() => gateway.stop())

// Concurrent, so that they wait together.
describe.concurrent('sleep on workerd', { timeout: 40_000 }, () => {
  test(
    'FOLLOW-2, POLL-3, INFO-1 a room sleeps with a WebSocket, a poll and a stream open, then answers all three',
    beside(async () => {
      const room = freshRoom()
      const cursor = await say(gateway.url, room, 'before')
      const socket = await Framed.open(gateway.url, room)
      const stream = await Stream.open(gateway.url, room)
      const poll = ask(gateway.url, room, { cursor, wait: 55 })
      const { awakeSince } = await info(gateway.url, room)
      await after(SILENCE)
      const next = await say(gateway.url, room, 'after')
      const woken = await info(gateway.url, room)
      expect(woken.awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
      expect((await socket.messages(1)).map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
      expect((await stream.messages(1)).map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
      expect((await poll).events.map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
    }),
  )

  test(
    'INFO-1 ten sockets opened at once do not keep a room awake',
    beside(async () => {
      const room = freshRoom()
      const sockets = await Promise.all(range(10).map((i) => (i % 2 ? Framed : Plain).open(gateway.url, room)))
      const { awakeSince } = await info(gateway.url, room)
      await after(SILENCE)
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
      await after(SILENCE)
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
      await after(SILENCE)
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
      await after(SILENCE)
      const woken = await info(gateway.url, room)
      expect(woken.awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
      expect(woken.cursor).toBe('0-0')
      await say(gateway.url, room, 'first')
      for (const reader of readers) expect((await reader.messages(1))[0]?.payload).toBe('first')
    }),
  )
})
