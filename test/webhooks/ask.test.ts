import { expect, test } from 'vitest'
import { call, say, url } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, freshSecret } from '../conformance/suite.ts'
import { type Delivery, moods } from './backend.ts'
import { hooked, type Told } from './suite.ts'

type Respond = (delivery: Delivery) => { status: number; body?: unknown } | null

/** Answers questions so, and takes what it is told. */
function answering(told: Told, respond: Respond): void {
  told.backend.mood = (delivery, response) => {
    if (delivery.events[0]?.type !== 'ask.connect') return moods.takes(delivery, response)
    const answer = respond(delivery)
    if (answer !== null) response.writeHead(answer.status).end(answer.body && JSON.stringify(answer.body))
  }
}

const questions = ({ backend }: Told, room: string) =>
  backend.deliveries.filter(({ events: [event] }) => event?.type === 'ask.connect' && event.data.room === room)

/** How a WebSocket ends that is not let in. */
const closeOf = (base: string, room: string): Promise<number> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url(base, room, '/ws').replace('http', 'ws'), 'holdline.v1')
    socket.onclose = ({ code }) => resolve(code)
  })

const asked = { HOLDLINE_ASK_CONNECT: 'asked:*', HOLDLINE_ASK_TIMEOUT: '400', HOLDLINE_WEBHOOK_EVENTS: 'message' }

hooked(
  'asking who may connect',
  (told) => {
    test('ASK-1 the backend names user and state, told what it needs to know who it is', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, () => ({ status: 200, body: { user: 'ann', state: { name: 'Ann' } } }))
      const client = await Framed.open(told.url, room, { presence: '1', token: 'a-token' })
      const { text } = await call(url(told.url, room, '/presence'))
      expect(JSON.parse(text).members).toEqual([
        { session: client.welcome.session, user: 'ann', state: { name: 'Ann' } },
      ])
      const [question] = questions(told, room)
      expect(question?.headers['content-type']).toBe('application/cloudevents+json')
      expect(question?.events[0]?.data).toMatchObject({ room, kind: 'websocket', token: 'a-token' })
      await client.close()
    })

    test('ASK-1 it refuses on each transport: 4503, 403', async () => {
      const room = `asked:${freshRoom()}`
      for (const answer of [{ status: 403 }, { status: 401 }, { status: 200, body: { refuse: 'members only' } }]) {
        answering(told, () => answer)
        expect(await closeOf(told.url, room)).toBe(4503)
        expect((await call(url(told.url, room, '/poll'))).http).toBe(403)
        const stream = await call(url(told.url, room, '/events'))
        expect([stream.http, stream.code]).toEqual([403, 'forbidden'])
      }
      answering(told, () => ({ status: 204 }))
      await (await Framed.open(told.url, room)).close()
    })

    test('ASK-1 a welcome holds for the polls that follow; other rooms are not asked about', async () => {
      const [room, resume] = [`asked:${freshRoom()}`, freshSecret()]
      answering(told, () => ({ status: 200, body: { user: 'ann' } }))
      const cursor = (await call(url(told.url, room, '/poll', { resume }))).cursor
      await call(url(told.url, room, '/poll', { resume, wait: 0, cursor }))
      await call(url(told.url, room, '/poll', { resume, wait: 0, cursor }))
      expect(questions(told, room)).toHaveLength(1)
      const other = freshRoom()
      await (await Framed.open(told.url, other)).close()
      expect(questions(told, other)).toHaveLength(0)
    })

    const broken: [string, Respond][] = [
      ['hangs', () => null],
      ['fails', () => ({ status: 500 })],
      ['answers no object', () => ({ status: 200, body: 'yes' })],
      ['names no proper user', () => ({ status: 200, body: { user: 7 } })],
      ['answers too much', () => ({ status: 200, body: { user: 'ann', x: 'x'.repeat(20_000) } })],
    ]
    test.each(broken)('ASK-2 a backend that %s lets nobody in, and clients may come back', async (_, respond) => {
      const room = `asked:${freshRoom()}`
      answering(told, respond)
      expect(await closeOf(told.url, room)).toBe(4012)
      expect((await call(url(told.url, room, '/poll'))).http).toBe(503)
      const stream = await call(url(told.url, room, '/events'))
      expect([stream.http, stream.text]).toEqual([200, expect.not.stringContaining('welcome')])
      answering(told, () => ({ status: 204 }))
      await (await Framed.open(told.url, room)).close()
      await say(told.url, room, 'the room goes on')
    })
  },
  asked,
)

hooked(
  'asking, with an open door',
  (told) => {
    test('ASK-2 without an answer everybody comes in, if that is set; a refusal is one', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, () => ({ status: 500 }))
      await (await Framed.open(told.url, room)).close()
      answering(told, () => ({ status: 403 }))
      expect(await closeOf(told.url, `asked:${freshRoom()}`)).toBe(4503)
    })
  },
  { ...asked, HOLDLINE_ASK_OPEN: '1' },
)
