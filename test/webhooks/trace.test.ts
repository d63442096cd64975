import { expect, test } from 'vitest'
import { call, postJson, say, url, wholeHistory } from '../conformance/clients/http.ts'
import { transports } from '../conformance/clients/index.ts'
import { freshRoom } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { moods } from './backend.ts'
import { answering, asks, hooked } from './suite.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const traced = (traceparent = TRACE) => ({ headers: { traceparent } })

hooked(
  'traces',
  (told) => {
    const events = async (room: string, count: number) => {
      const messages = () => told.backend.once(room).filter(({ type }) => type === 'message')
      await eventually(`${count} are told`, () => messages().length === count)
      return messages().map((event) => (event as { traceparent?: string }).traceparent)
    }

    test('TRACE-1 what is told of a message bears the traceparent of the request that published it', async () => {
      const room = freshRoom()
      await postJson(told.url, room, { data: 1 }, traced())
      await postJson(told.url, room, { data: 2 })
      const headers = { 'content-type': 'application/json', traceparent: TRACE }
      const body = JSON.stringify({ messages: [{ room, data: 3 }] })
      expect((await call(`${told.url}/v1/publish`, { method: 'POST', headers, body })).http).toBe(200)
      expect(await events(room, 3)).toEqual([TRACE, undefined, TRACE])
    })

    test('TRACE-1 it survives a backend that is down, and the death of the gateway', async () => {
      const room = freshRoom()
      told.backend.mood = moods.fails
      await postJson(told.url, room, { data: 1 }, traced())
      await told.gateway.running.crash()
      told.backend.mood = moods.takes
      expect(await events(room, 1)).toEqual([TRACE])
    })

    test('TRACE-1 nobody else hears of it: neither readers nor the log', async () => {
      const room = freshRoom()
      const readers = await Promise.all(transports.map(({ open }) => open(told.url, room)))
      await postJson(told.url, room, { data: 'x' }, traced())
      for (const reader of readers) expect(JSON.stringify(await reader.messages(1))).not.toContain(TRACE)
      expect(JSON.stringify(await wholeHistory(told.url, room))).not.toContain(TRACE)
      for (const reader of readers) await reader.close()
    })

    test.each([
      '',
      'x',
      `${TRACE}-more`,
      TRACE.replace('00-', 'ff-'),
      TRACE.toUpperCase(),
      '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
      `${TRACE}","data":{`,
      'a'.repeat(4000),
    ])('TRACE-1 a malformed one is as good as none: %#', async (malformed) => {
      const room = freshRoom()
      expect((await postJson(told.url, room, { data: 1 }, traced(malformed))).http).toBe(201)
      expect(await events(room, 1)).toEqual([undefined])
    })

    test('TRACE-1 the backend is asked in the same trace, and hears it with what it rewrote', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.message', () => ({ status: 200, body: { data: 'changed' } }))
      await postJson(told.url, room, { data: 1 }, traced())
      expect(asks(told, 'ask.message', room)).toMatchObject([{ traceparent: TRACE }])
      const question = told.backend.deliveries.find(({ events: [e] }) => e?.type === 'ask.message')
      expect(question?.headers.traceparent).toBe(TRACE)
      expect(await events(room, 1)).toEqual([TRACE])
      answering(told, 'ask.connect', () => ({ status: 204 }))
      await call(url(told.url, room, '/poll'), traced())
      expect(asks(told, 'ask.connect', room)).toMatchObject([{ traceparent: TRACE }])
      await say(told.url, room, 'no trace')
      expect(asks(told, 'ask.message', room)[1]).not.toHaveProperty('traceparent')
    })
  },
  {
    HOLDLINE_WEBHOOK_EVENTS: 'message',
    HOLDLINE_ASK_MESSAGE: 'asked:*',
    HOLDLINE_ASK_CONNECT: 'asked:*',
  },
)
