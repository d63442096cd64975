import { expect, test } from 'vitest'
import { call, say, url } from '../conformance/clients/http.ts'
import { API_KEY, bearer, LOCKED, token } from '../conformance/clients/tokens.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { offsetOf } from '../conformance/cursor.ts'
import { freshRoom, freshSecret, range } from '../conformance/suite.ts'
import { answering, hooked, type Respond, type Told } from './suite.ts'

const questions = ({ backend }: Told, room: string) =>
  backend.deliveries.filter(({ events: [event] }) => event?.type === 'ask.connect' && event.data.room === room)

/** How a WebSocket ends that is not let in. */
const closeOf = (base: string, room: string): Promise<number> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url(base, room, '/ws').replace('http', 'ws'), 'holdline.v1')
    socket.onclose = ({ code }) => resolve(code)
  })

const asked = { HOLDLINE_ASK_CONNECT: 'asked:*', HOLDLINE_ASK_TIMEOUT: '1500', HOLDLINE_WEBHOOK_EVENTS: 'message' }

hooked(
  'asking who may connect',
  (told) => {
    test('ASK-1, ASK-4 the backend names user and state, told what it needs to know who it is', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: 'ann', state: { name: 'Ann' } } }))
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
        answering(told, 'ask.connect', () => answer)
        expect(await closeOf(told.url, room)).toBe(4503)
        expect((await call(url(told.url, room, '/poll'))).http).toBe(403)
        const stream = await call(url(told.url, room, '/events'))
        expect([stream.http, stream.code]).toEqual([403, 'forbidden'])
      }
      answering(told, 'ask.connect', () => ({ status: 204 }))
      await (await Framed.open(told.url, room)).close()
    })

    test('ASK-1 a welcome holds for the polls that follow; other rooms are not asked about', async () => {
      const [room, resume] = [`asked:${freshRoom()}`, freshSecret()]
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: 'ann' } }))
      const init = { headers: { cookie: 'id=ann' } }
      const cursor = (await call(url(told.url, room, '/poll', { resume }), init)).cursor
      await call(url(told.url, room, '/poll', { resume, wait: 0, cursor }), init)
      await call(url(told.url, room, '/poll', { resume, wait: 0, cursor }), init)
      expect(questions(told, room)).toHaveLength(1)
      const other = freshRoom()
      await (await Framed.open(told.url, other)).close()
      expect(questions(told, other)).toHaveLength(0)
    })

    test('ASK-1 guests, who all ask alike, are each who the backend says, and nobody else', async () => {
      const room = `asked:${freshRoom()}`
      let guests = 0
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: `guest${++guests}` } }))
      const [one, two] = [await Framed.open(told.url, room), await Framed.open(told.url, room)]
      await one.ask({ op: 'publish', data: 1, id: 'same' })
      expect(await two.ask({ op: 'publish', data: 2, id: 'same' })).toMatchObject({ type: 'ack' })
      const { text } = await call(url(told.url, room, '/sessions'))
      const users = (JSON.parse(text).sessions as { user: string }[]).map(({ user }) => user)
      expect(users.toSorted()).toEqual(['guest1', 'guest2'])
      await Promise.all([one.close(), two.close()])
    })

    test('ASK-1 a guest is asked about once for a stream, and stays who it is when it comes back', async () => {
      const room = `asked:${freshRoom()}`
      let guests = 0
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: `guest${++guests}` } }))
      const stream = await fetch(url(told.url, room, '/events'))
      const reader = stream.body?.getReader()
      await reader?.read()
      const resume = freshSecret()
      const { cursor } = await call(url(told.url, room, '/poll', { resume }))
      expect((await call(url(told.url, room, '/poll', { resume, wait: 0, cursor }))).http).toBe(200)
      const socket = await Framed.open(told.url, room, { resume })
      // Of the stream one, and of the poll.
      expect(questions(told, room)).toHaveLength(2)
      await Promise.all([socket.close(), reader?.cancel()])
    })

    test('ASK-3 it grants so much for so long, on each transport', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.connect', () => ({ status: 200, body: { grants: ['subscribe'], lifetime: 4 } }))
      const began = Date.now()
      const client = await Framed.open(told.url, room)
      expect(await client.ask({ op: 'publish', data: 1 })).toMatchObject({ code: 'forbidden' })
      expect(await client.ask({ op: 'presence', state: 1 })).toMatchObject({ code: 'forbidden' })
      const { cursor } = await call(url(told.url, room, '/poll'))
      expect((await call(url(told.url, room, '/poll', { presence: 1 }))).http).toBe(403)
      const held = call(url(told.url, room, '/poll', { cursor: `${cursor}`, wait: 20 }))
      const stream = call(url(told.url, room, '/events'))
      expect((await client.closed).code).toBe(4010)
      expect((await held).events).toEqual([])
      expect((await stream).text).toContain('welcome')
      expect(Date.now() - began).toBeGreaterThan(3000)
      answering(told, 'ask.connect', () => ({ status: 200, body: { grants: ['publish'] } }))
      const other = `asked:${freshRoom()}`
      expect(await closeOf(told.url, other)).toBe(4503)
      for (const route of ['/poll', '/events']) expect((await call(url(told.url, other, route))).http).toBe(403)
    })

    test('WS-9, ASK-1 all that is sent to a room before the backend has answered is answered: acknowledged, or busy', async () => {
      const room = `asked:${freshRoom()}`
      const asked = new Promise<() => void>((resolve) => {
        told.backend.mood = (_, response) => resolve(() => response.writeHead(204).end())
      })
      const client = new Framed(told.url, [room])
      await client.opened()
      // Three bytes a character, 1.5 MB in all: more than waits before a room, and its characters are fewer.
      const data = '漢'.repeat(21_000)
      const answers = range(24).map(() => client.ask({ op: 'publish', room, data, echo: false }))
      expect(await client.provoke('{"op":"ping"}')).toMatchObject({ type: 'pong' })
      ;(await asked)()
      const kinds = (await Promise.all(answers)).map(({ type, code }) => code ?? type)
      expect(new Set(kinds)).toEqual(new Set(['ack', 'busy']))
      expect(await client.ask({ op: 'publish', room, data: 'last' })).toMatchObject({ type: 'ack' })
      const { cursor } = await call(url(told.url, room))
      expect(offsetOf(`${cursor}`)).toBe(kinds.filter((kind) => kind === 'ack').length + 1)
    })

    test('ASK-1 the state is spliced as it comes, and null is none', async () => {
      const room = `asked:${freshRoom()}`
      told.backend.mood = (_, response) => void response.writeHead(200).end('{"state":{"a":1.0,"n":1e400}}')
      const client = await Framed.open(told.url, room, { presence: 1 })
      expect((await call(url(told.url, room, '/presence'))).text).toContain('"state":{"a":1.0,"n":1e400}')
      await client.close()
    })

    const broken: [string, Respond][] = [
      ['hangs', () => null],
      ['fails', () => ({ status: 500 })],
      ['answers no object', () => ({ status: 200, body: 'yes' })],
      ['names no proper user', () => ({ status: 200, body: { user: 7 } })],
      ['knows a field that we do not', () => ({ status: 200, body: { refused: 'typo' } })],
      ['names no proper state', () => ({ status: 200, body: { state: 'é'.repeat(600) } })],
      ['grants what there is not', () => ({ status: 200, body: { grants: ['root'] } })],
      ['answers too much', () => ({ status: 200, body: { user: 'ann', x: 'x'.repeat(20_000) } })],
    ]
    test.each(broken)('ASK-2 a backend that %s lets nobody in, and clients may come back', async (_, respond) => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.connect', respond)
      // At once: each waits for its answer as long as is set.
      const [code, poll, stream] = await Promise.all([
        closeOf(told.url, room),
        call(url(told.url, room, '/poll')),
        call(url(told.url, room, '/events')),
      ])
      expect([code, poll.http]).toEqual([4012, 503])
      expect([stream.http, stream.text]).toEqual([200, expect.not.stringContaining('welcome')])
      answering(told, 'ask.connect', () => ({ status: 204 }))
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
      answering(told, 'ask.connect', () => ({ status: 500 }))
      await (await Framed.open(told.url, room)).close()
      answering(told, 'ask.connect', () => ({ status: 403 }))
      expect(await closeOf(told.url, `asked:${freshRoom()}`)).toBe(4503)
    })
  },
  { ...asked, HOLDLINE_ASK_OPEN: '1' },
)

hooked(
  'asking who may connect, locked',
  (told) => {
    test('ASK-3 it goes no further than the token: what that allows, for whom, until when', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.connect', () => ({
        status: 200,
        body: { user: 'ada', grants: ['subscribe', 'publish', 'presence'] },
      }))
      const some = await token({ rooms: { 'asked:*': ['subscribe', 'presence', 'history'] } })
      const client = await Framed.open(told.url, room, { token: some, presence: 1 })
      expect(await client.ask({ op: 'publish', data: 1 })).toMatchObject({ code: 'forbidden' })
      // Nor does a fresh token go beyond what was granted.
      answering(told, 'ask.connect', () => ({ status: 200, body: { grants: ['subscribe'] } }))
      const reader = await Framed.open(told.url, room, { token: await token() })
      expect(await reader.ask({ op: 'auth', token: await token() })).toMatchObject({ type: 'ack' })
      expect(await reader.ask({ op: 'publish', data: 1 })).toMatchObject({ code: 'forbidden' })
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: 'root' } }))
      expect((await new Framed(told.url, room, { token: await token({ jti: 'another' }) }).closed).code).toBe(4503)
      const headers = bearer(await token({ jti: 'a third' }))
      for (const route of ['/poll', '/events']) {
        expect((await call(url(told.url, room, route), { headers })).code).toBe('forbidden')
      }
      await client.close()
      await reader.close()
    })

    test('ASK-3, AUTH-7 a poll on its session’s secret is asked about too, and has no more than its token had', async () => {
      const [room, resume] = [`asked:${freshRoom()}`, freshSecret()]
      answering(told, 'ask.connect', () => ({ status: 204 }))
      const some = await token({ rooms: { 'asked:*': ['subscribe'] } })
      const { cursor } = await call(url(told.url, room, '/poll', { resume, token: some }))
      const again = { resume, cursor: `${cursor}`, wait: 0 }
      expect((await call(url(told.url, room, '/poll', again))).http).toBe(200)
      expect((await call(url(told.url, room, '/poll', { ...again, presence: 1 }))).http).toBe(403)
      answering(told, 'ask.connect', () => ({ status: 403 }))
      const user = { 'user-agent': 'another' }
      expect((await call(url(told.url, room, '/poll', again), { headers: user })).http).toBe(403)
    })

    test('ASK-1 a backend does not ask itself', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.connect', () => ({ status: 403 }))
      const headers = bearer(API_KEY)
      expect((await call(url(told.url, room, '/poll'), { headers })).http).toBe(200)
      expect(questions(told, room)).toHaveLength(0)
    })

    test('ASK-3, AUTH-9 whom it named can be revoked', async () => {
      const room = `asked:${freshRoom()}`
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: 'zoe', grants: ['subscribe'] } }))
      const client = await Framed.open(told.url, room, { token: await token({ sub: undefined }) })
      const body = JSON.stringify({ user: 'zoe', room })
      await call(`${told.url}/v1/revoke`, { method: 'POST', headers: bearer(API_KEY), body })
      expect((await client.closed).code).toBe(4507)
    })
  },
  { ...asked, ...LOCKED },
)
