import { Webhook } from 'standardwebhooks'
import { expect, test, vi } from 'vitest'
import { call, post, postJson, say, url } from '../conformance/clients/http.ts'
import { Framed, Plain } from '../conformance/clients/websocket.ts'
import { freshRoom, freshSecret, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { moods, SECRET } from './backend.ts'
import { hooked } from './suite.ts'

hooked('webhooks', (told) => {
  test('HOOK-6 replayed late, renamed or changed, a delivery is refused by who verifies it', async () => {
    const room = freshRoom()
    await say(told.url, room, 'once')
    await told.backend.hears(room, 1)
    const taken = told.backend.taken.find(({ events: [event] }) => event?.data.room === room)
    const { body = '', headers = {} as Record<string, string> } = taken ?? {}
    const verify =
      (text: string, more: Record<string, string> = {}) =>
      () =>
        new Webhook(SECRET).verify(text, { ...headers, ...more })
    expect(verify(body)).not.toThrow()
    expect(verify(`${body} `)).toThrow(/signature/)
    expect(verify(body, { 'webhook-id': 'msg_other' })).toThrow(/signature/)
    expect(verify(body, { 'webhook-timestamp': `${Number(headers['webhook-timestamp']) + 1}` })).toThrow(/signature/)
    const now = Date.now()
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + 6 * 60_000)
    expect(verify(body)).toThrow(/too old/)
    clock.mockRestore()
  })

  test('HOOK-1, HOOK-2, HOOK-4 a session’s life and a message are told in order, as signed CloudEvents', async () => {
    const room = freshRoom()
    const client = await Framed.open(told.url, room, { presence: '1' })
    await client.ask({ op: 'publish', data: 'hello', event: 'chat', id: 'one' })
    const { session } = client.welcome
    await call(url(told.url, room, `/sessions/${session}`), { method: 'DELETE' })
    const events = await told.backend.hears(room, 7)
    expect(events.map(({ type }) => type)).toEqual([
      'room.occupied',
      'session.open',
      'presence.join',
      'message',
      'presence.leave',
      'session.close',
      'room.vacated',
    ])
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).toSorted())
    for (const event of events) {
      expect(event).toMatchObject({ specversion: '1.0', source: `/v1/rooms/${room}`, data: { room } })
      expect(Date.parse(event.time)).toBeGreaterThan(Date.now() - 60_000)
      expect(event.data.generation).toBeGreaterThan(1e12)
    }
    expect(events[1]).toMatchObject({ subject: session, data: { session } })
    expect(events[3]).toMatchObject({
      subject: 'one',
      data: { message: { type: 'message', id: 'one', from: session, event: 'chat', data: 'hello' } },
    })
    const [delivery] = told.backend.taken
    expect(delivery?.headers['content-type']).toBe('application/cloudevents-batch+json')
    expect(told.backend.wrong).toEqual([])
  })

  test('HOOK-1 a message is told as it came, with its audience; an ephemeral one is not', async () => {
    const room = freshRoom()
    await postJson(told.url, room, '{"data":{"n":1.0,"m":1152921504606846977},"to":{"users":["u"]}}')
    await postJson(told.url, room, { data: 'gone', ephemeral: true })
    await post(told.url, room, 'text/plain', 'a "text"\n😀')
    const [first, second] = await told.backend.hears(room, 2)
    expect(first?.data.audience).toEqual({ to: { users: ['u'] } })
    expect(told.backend.taken.some(({ body }) => body.includes('{"n":1.0,"m":1152921504606846977}'))).toBe(true)
    expect(second?.data.message?.data).toBe('a "text"\n😀')
  })

  test('HOOK-1 a room is occupied once and vacated once, however many come and go', async () => {
    const room = freshRoom()
    const clients = await Promise.all(range(5).map(() => Plain.open(told.url, room)))
    const { sessions } = (await (await fetch(url(told.url, room, '/sessions'))).json()) as {
      sessions: { session: string }[]
    }
    expect(sessions).toHaveLength(clients.length)
    for (const { session } of sessions) await call(url(told.url, room, `/sessions/${session}`), { method: 'DELETE' })
    const events = await told.backend.hears(room, 12)
    expect(events.map(({ type }) => type)).toEqual([
      'room.occupied',
      ...range(5).map(() => 'session.open'),
      ...range(5).map(() => 'session.close'),
      'room.vacated',
    ])
  })

  test('HOOK-1 a second connection of a session, and its going, is nothing to tell', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const one = await Framed.open(told.url, room, { resume })
    const two = await Framed.open(told.url, room, { resume })
    await two.close()
    await one.ask({ op: 'publish', data: 'still here' })
    const events = await told.backend.hears(room, 3)
    expect(events.map(({ type }) => type)).toEqual(['room.occupied', 'session.open', 'message'])
  })

  test('HOOK-3, HOOK-5 a burst comes in order and packed, at most 100 to a request', async () => {
    const room = freshRoom()
    const messages = range(100).map((n) => ({ room, data: n }))
    for (let i = 0; i < 5; i++) {
      await call(`${told.url}/v1/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages }),
      })
    }
    await say(told.url, room, 'last')
    const events = await told.backend.hears(room, 501)
    expect(events.map(({ data }) => data.message?.data)).toEqual([...range(5).flatMap(() => range(100)), 'last'])
    const own = told.backend.taken.filter(({ events: [event] }) => event?.data.room === room)
    expect(Math.max(...own.map(({ events: { length } }) => length))).toBeLessThanOrEqual(100)
    expect(own.length).toBeLessThan(20)
  })

  const refusing = ['fails', 'redirects', 'hangs', 'cuts'] as const
  test.each(refusing)('HOOK-4, HOOK-7 a backend that %s gets it again, the same and in order', async (mood) => {
    const room = freshRoom()
    told.backend.mood = moods[mood]
    try {
      await say(told.url, room, 1)
      const tried = () => told.backend.deliveries.filter(({ events: [event] }) => event?.data.room === room)
      await eventually('it is tried', () => tried().length > 0)
      // The room goes on.
      for (const n of [2, 3]) await say(told.url, room, n)
      told.backend.mood = moods.takes
      const events = await told.backend.hears(room, 3)
      expect(events.map(({ data }) => data.message?.data)).toEqual([1, 2, 3])
      const [first, second] = tried()
      expect([second?.id, second?.body]).toEqual([first?.id, first?.body])
      expect(told.backend.deliveries.map(({ path }) => path)).not.toContain('/elsewhere')
    } finally {
      told.backend.mood = moods.takes
    }
  })

  test('HOOK-4 what counts is the status: an answer whose body never ends is one', async () => {
    const room = freshRoom()
    told.backend.mood = moods.stalls
    try {
      for (const n of range(3)) await say(told.url, room, n)
      const tried = () =>
        told.backend.deliveries.flatMap(({ events }) => events).filter(({ data }) => data.room === room)
      await eventually('all are sent', () => tried().length === 3)
    } finally {
      told.backend.mood = moods.takes
    }
  })

  test('HOOK-3, HOOK-6 killed while the backend fails, it tells all of it afterwards', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    told.backend.mood = moods.fails
    try {
      await Framed.open(told.url, room, { resume })
      for (const n of range(20)) await say(told.url, room, n)
      await told.gateway.running.crash()
      for (const n of range(20, 20)) await say(told.url, room, n)
    } finally {
      told.backend.mood = moods.takes
    }
    const events = await told.backend.hears(room, 42)
    expect(events.map(({ type, data }) => data.message?.data ?? type)).toEqual([
      'room.occupied',
      'session.open',
      ...range(40),
    ])
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).toSorted())
    expect(events.at(-1)?.data.generation).toBeGreaterThanOrEqual(events[0]?.data.generation ?? Number.NaN)
    if (told.gateway.target.name === 'node') expect(new Set(events.map(({ data }) => data.generation)).size).toBe(2)
  })
})
