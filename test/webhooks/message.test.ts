import { expect, test } from 'vitest'
import { call, post, postJson, url, wholeHistory } from '../conformance/clients/http.ts'
import { API_KEY, bearer, LOCKED, token } from '../conformance/clients/tokens.ts'
import { Framed, Plain } from '../conformance/clients/websocket.ts'
import { freshRoom, freshSecret, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import type { Delivery } from './backend.ts'
import { answering, asks, hooked, type Told } from './suite.ts'

interface Asked {
  id: string
  from?: string
  user?: string
  event?: string
  data?: unknown
  bytes?: string
}

const asked = (told: Told, room: string) =>
  asks(told, 'ask.message', room).map((question) => question.data as unknown as { message: Asked })

const messageOf = ({ events: [event] }: Delivery) => event?.data.message as unknown as Asked

/** What a room of this name holds. */
const said = async (told: Told, room: string) =>
  (await wholeHistory(told.url, room)).map(({ data, bytes }) => bytes ?? data)

const settings = { HOLDLINE_ASK_MESSAGE: 'asked:*', HOLDLINE_ASK_TIMEOUT: '2000', HOLDLINE_WEBHOOK_EVENTS: 'message' }
const freshAsked = () => `asked:${freshRoom()}`

/** A backend that answers when it is let; and from then on at once. */
function holding({ backend }: Told, answer = ''): () => void {
  const held: (() => void)[] = []
  let isHeld = true
  backend.mood = ({ events: [event] }, response) => {
    const end = () => void response.writeHead(200).end(answer)
    if (event?.type === 'ask.message' && isHeld) held.push(end)
    else end()
  }
  return () => {
    isHeld = false
    for (const end of held) end()
  }
}

/** A backend that minds its words. */
const minding = (delivery: Delivery) => {
  const { data } = messageOf(delivery)
  if (data === 'bad') return { status: 200, body: { refuse: 'mind your words' } }
  return data === 'rude' ? { status: 200, body: { data: 'polite' } } : { status: 204 }
}

hooked(
  'asking about messages',
  (told) => {
    test('ASK-5 refuses and rewrites, whichever way a message comes', async () => {
      const [room, resume] = [freshAsked(), freshSecret()]
      answering(told, 'ask.message', minding)
      const reader = await Framed.open(told.url, room)
      const framed = await Framed.open(told.url, room, { resume })
      expect(await framed.ask({ op: 'publish', data: 'bad' })).toMatchObject({
        type: 'error',
        code: 'forbidden',
        message: 'mind your words',
      })
      expect(await framed.ask({ op: 'publish', data: 'rude', event: 'e' })).toMatchObject({ type: 'ack' })
      const json = await postJson(told.url, room, { data: 'bad' }, { query: { resume } })
      expect([json.http, json.code, json.detail]).toEqual([403, 'forbidden', 'mind your words'])
      expect((await post(told.url, room, 'text/plain', 'rude')).http).toBe(201)
      expect((await post(told.url, room, undefined, Buffer.from([1, 2]))).http).toBe(201)
      expect((await postJson(told.url, room, { data: 'rude', ephemeral: true })).http).toBe(202)
      const { session } = framed.welcome
      const direct = await call(url(told.url, room, `/sessions/${session}/messages`), { method: 'POST', body: 'bytes' })
      expect(direct.http).toBe(201)
      const plain = await Plain.open(told.url, room)
      plain.send('rude')
      plain.send('fine')
      const heard = await reader.messages(6)
      expect(heard.map(({ data, bytes }) => bytes ?? data)).toEqual([
        'polite',
        'polite',
        'AQI=',
        'polite',
        'polite',
        'fine',
      ])
      expect(heard[0]).toMatchObject({ event: 'e', from: session })
      expect(asked(told, room)[0]?.message).toMatchObject({ from: session, data: 'bad' })
      for (const client of [reader, framed, plain]) await client.close()
    })

    test('ASK-5 data is spliced as it comes; event, bytes and audience may be others', async () => {
      const room = freshAsked()
      const [ann, bob] = [await Framed.open(told.url, room), await Framed.open(told.url, room)]
      told.backend.mood = (_, response) =>
        response.writeHead(200).end(`{"data":{"a":1.0,"b":1e400,"b":2},"event":"other"}`)
      expect(await ann.ask({ op: 'publish', data: { a: 1 } })).toMatchObject({ type: 'ack' })
      expect((await bob.next()).event).toBe('other')
      expect(bob.packs.join()).toContain('"data":{"a":1.0,"b":1e400,"b":2}')
      answering(told, 'ask.message', () => ({
        status: 200,
        body: { bytes: 'AAE=', to: { sessions: [ann.welcome.session] } },
      }))
      await ann.ask({ op: 'publish', data: 'for ann alone' })
      answering(told, 'ask.message', () => ({ status: 204 }))
      await ann.ask({ op: 'publish', data: 'for all' })
      expect((await bob.messages(1))[0]?.data).toBe('for all')
      expect((await ann.messages(3)).map(({ bytes }) => bytes)).toEqual([undefined, 'AAE=', undefined])
      await ann.close()
      await bob.close()
    })

    test('ASK-6 messages of one keep their order, whatever order the answers have; others are not held up', async () => {
      const [room, resume] = [freshAsked(), freshSecret()]
      const holding: (() => void)[] = []
      told.backend.mood = (delivery, response) => {
        const answer = () => void response.writeHead(204).end()
        if (delivery.events[0]?.type !== 'ask.message') return answer()
        // Of three, the last is answered first.
        if (messageOf(delivery).from === undefined) return answer()
        if (holding.push(answer) === 3) for (const each of holding.splice(0).reverse()) each()
      }
      const client = await Framed.open(told.url, room, { resume })
      const acks = range(3).map((n) => client.ask({ op: 'publish', data: n }))
      await eventually('two or more are asked about', () => asked(told, room).length === 3)
      await Promise.all(acks)
      expect(await said(told, room)).toEqual([0, 1, 2])
      const slow = range(2).map((n) => client.ask({ op: 'publish', data: n }))
      await eventually('they are asked about', () => asked(told, room).length === 5)
      expect((await postJson(told.url, room, { data: 'another' })).http).toBe(201)
      const third = client.ask({ op: 'publish', data: 2 })
      await Promise.all([...slow, third])
      expect(await said(told, room)).toEqual([0, 1, 2, 'another', 0, 1, 2])
      // Over HTTP too, of one session.
      const posts = []
      for (const n of range(3)) {
        posts.push(postJson(told.url, room, { data: n }, { query: { resume } }))
        await eventually('it is asked about', () => asked(told, room).length === 8 + n)
      }
      await Promise.all(posts)
      expect((await said(told, room)).slice(-3)).toEqual([0, 1, 2])
      await client.close()
    })

    test('ASK-6 what its sender does not wait for is published all the same', async () => {
      const room = freshAsked()
      const release = holding(told)
      const client = await Framed.open(told.url, room)
      client.send({ op: 'publish', data: 'farewell' })
      await eventually('it is asked about', () => asked(told, room).length === 1)
      await client.close()
      release()
      await eventually('it is there', async () => (await said(told, room)).length === 1)
    })

    test('ASK-7 a repeat is known by what was sent: asked about once, published once', async () => {
      const [room, resume] = [freshAsked(), freshSecret()]
      const release = holding(told, '{"data":"polite"}')
      const publish = (data: string) => postJson(told.url, room, { data, id: 'm1' }, { query: { resume } })
      const [first, again] = [publish('rude'), publish('rude')]
      await eventually('it is asked about', () => asked(told, room).length >= 1)
      release()
      const answers = [await first, await again]
      expect(answers.map(({ http }) => http).sort()).toEqual([200, 201])
      expect(answers[0]?.cursor).toBe(answers[1]?.cursor)
      const client = await Framed.open(told.url, room, { resume })
      expect(await client.ask({ op: 'publish', data: 'rude', id: 'm1' })).toMatchObject({ duplicate: true })
      expect(await client.ask({ op: 'publish', data: 'polite', id: 'm1' })).toMatchObject({ code: 'id_reused' })
      expect(asked(told, room)).toHaveLength(1)
      expect(await said(told, room)).toEqual(['polite'])
      await client.close()
    })

    test('ASK-5, BATCH-2 one of a batch is refused for itself; the others are written together', async () => {
      const room = freshAsked()
      answering(told, 'ask.message', minding)
      const messages = ['a', 'bad', 'rude', 'b'].map((data) => ({ room, data }))
      const { results } = await call(`${told.url}/v1/publish`, { method: 'POST', body: JSON.stringify({ messages }) })
      expect(results?.map(({ code }) => code)).toEqual([undefined, 'forbidden', undefined, undefined])
      expect(results?.[1]?.message).toBe('mind your words')
      expect(await said(told, room)).toEqual(['a', 'polite', 'b'])
    })

    test('ASK-5, MULTI-6 over a connection of several rooms, each by its own', async () => {
      const [room, other] = [freshAsked(), freshRoom()]
      answering(told, 'ask.message', minding)
      const client = await Framed.open(told.url, [room, other])
      expect(await client.ask({ op: 'publish', room, data: 'bad' })).toMatchObject({ code: 'forbidden', room })
      expect(await client.ask({ op: 'publish', room: other, data: 'bad' })).toMatchObject({ type: 'ack' })
      expect(asked(told, other)).toHaveLength(0)
      await client.close()
    })

    const broken: [string, (delivery: Delivery) => { status: number; body?: unknown } | null][] = [
      ['hangs', () => null],
      ['fails', () => ({ status: 500 })],
      ['redirects', () => ({ status: 307 })],
      ['answers no object', () => ({ status: 200, body: 'yes' })],
      ['answers what is not known', () => ({ status: 200, body: { refused: 'typo' } })],
      ['answers both', () => ({ status: 200, body: { data: 1, bytes: '' } })],
      ['answers what is too large', () => ({ status: 200, body: { data: 'x'.repeat(70_000) } })],
      ['answers what is no Unicode', () => ({ status: 200, body: { data: '\ud800' } })],
      ['answers a wrong audience', () => ({ status: 200, body: { to: {} } })],
    ]
    test.each(broken)('ASK-8 a backend that %s lets nothing pass, and it may be sent again', async (_, respond) => {
      const [room, resume] = [freshAsked(), freshSecret()]
      answering(told, 'ask.message', respond)
      const client = await Framed.open(told.url, room, { resume })
      const plain = await Plain.open(told.url, room)
      plain.send('x')
      // At once: each waits for its answer as long as is set.
      const [refused, answer, ended] = await Promise.all([
        client.ask({ op: 'publish', data: 1, id: 'm1' }),
        postJson(told.url, room, { data: 1 }),
        plain.closed,
      ])
      expect(refused).toMatchObject({ type: 'error', code: 'backend', retryAfter: expect.any(Number) })
      expect([answer.http, answer.code, answer.headers.has('retry-after')]).toEqual([503, 'backend', true])
      expect(told.backend.deliveries.filter(({ path }) => path !== '/hook')).toEqual([])
      expect(ended.code).toBe(4012)
      answering(told, 'ask.message', () => ({ status: 204 }))
      expect(await client.ask({ op: 'publish', data: 1, id: 'm1' })).toMatchObject({ type: 'ack', id: 'm1' })
      expect(await said(told, room)).toEqual([1])
      await client.close()
    })

    test('ASK-8 a backend that is dead keeps nobody waiting for long', async () => {
      const room = freshAsked()
      answering(told, 'ask.message', () => null)
      for (let i = 0; i < 2; i++) await Promise.all(range(8).map((data) => postJson(told.url, room, { data })))
      const before = asked(told, room).length
      await Promise.all(range(50).map((data) => postJson(told.url, room, { data })))
      expect(asked(told, room).length - before).toBeLessThan(10)
      answering(told, 'ask.message', () => ({ status: 204 }))
      await eventually('it is asked again', async () => (await postJson(told.url, room, { data: 1 })).http === 201)
    })

    test('ASK-6, PRES-2 a presence state does not overtake the messages before it', async () => {
      const room = freshAsked()
      answering(told, 'ask.message', () => ({ status: 204 }))
      const reader = await Framed.open(told.url, room, { presence: '1' })
      const client = await Framed.open(told.url, room, { presence: '1' })
      client.send([
        { op: 'publish', data: 'said' },
        { op: 'presence', state: 'silent' },
      ])
      const events = await reader.inbox.until(({ action }) => action === 'update')
      expect(events.slice(-2).map(({ type }) => type)).toEqual(['message', 'presence'])
      await client.close()
      await reader.close()
    })
  },
  settings,
)

hooked(
  'asking about messages, with an open door',
  (told) => {
    test('ASK-8 without an answer they pass as they are, if that is set; a refusal is one', async () => {
      const room = freshAsked()
      answering(told, 'ask.message', () => ({ status: 500 }))
      expect((await postJson(told.url, room, { data: 1 })).http).toBe(201)
      answering(told, 'ask.message', () => ({ status: 403 }))
      expect((await postJson(told.url, room, { data: 2 })).code).toBe('forbidden')
    })
  },
  { ...settings, HOLDLINE_ASK_OPEN: '1' },
)

hooked(
  'asking about messages, locked',
  (told) => {
    test('ASK-5 a backend is not asked about what it publishes itself; users are named', async () => {
      const room = freshAsked()
      answering(told, 'ask.message', () => ({ status: 403 }))
      const headers = bearer(API_KEY)
      expect((await postJson(told.url, room, { data: 1 }, { headers })).http).toBe(201)
      const body = JSON.stringify({ messages: [{ room, data: 2 }] })
      const batch = await call(`${told.url}/v1/publish`, { method: 'POST', headers, body })
      expect(batch.results?.[0]?.cursor).toBeDefined()
      expect(asked(told, room)).toHaveLength(0)
      expect((await postJson(told.url, room, { data: 3 }, { headers: bearer(await token()) })).code).toBe('forbidden')
      expect(asked(told, room)[0]?.message).toMatchObject({ data: 3, user: 'ada' })
    })

    test('ASK-5, LIMIT-2 a flood is not a flood for the backend', async () => {
      const room = freshAsked()
      answering(told, 'ask.message', () => ({ status: 204 }))
      const client = await Framed.open(told.url, room, { token: await token() })
      const answers = await Promise.all(range(18).map((data) => client.ask({ op: 'publish', data })))
      expect(answers.some(({ code }) => code === 'rate')).toBe(true)
      expect(asked(told, room).length).toBeLessThan(18)
      await client.close()
    })

    test('ASK-5, AUTH-9 whoever is revoked while it is asked about is not published', async () => {
      const room = freshAsked()
      const release = holding(told)
      const sent = postJson(told.url, room, { data: 1 }, { headers: bearer(await token({ sub: 'eve' })) })
      await eventually('it is asked about', () => asked(told, room).length === 1)
      const body = JSON.stringify({ user: 'eve', room })
      await call(`${told.url}/v1/revoke`, { method: 'POST', headers: bearer(API_KEY), body })
      release()
      expect(await sent).toMatchObject({ http: 401, code: 'revoked' })
    })

    test('ASK-6, AUTH-9 nor is what somebody has left behind who is gone, revoked in the room or everywhere', async () => {
      const everywhere = told.gateway.target.name === 'node' ? [true, false] : [false]
      for (const isEverywhere of everywhere) {
        const room = freshAsked()
        const sub = `eve-${room}`
        const release = holding(told)
        const client = await Framed.open(told.url, room, { token: await token({ sub }) })
        client.send({ op: 'publish', data: 'farewell' })
        await eventually('it is asked about', () => asked(told, room).length === 1)
        await client.close()
        await eventually('the socket is gone', async () => {
          const { connections } = await call(url(told.url, room), { headers: bearer(API_KEY) })
          return connections?.websocket === 0
        })
        const body = JSON.stringify({ user: sub, ...(!isEverywhere && { room }) })
        expect((await call(`${told.url}/v1/revoke`, { method: 'POST', headers: bearer(API_KEY), body })).http).toBe(200)
        release()
        // What is published after it comes behind it in the log, if it is there.
        expect((await postJson(told.url, room, { data: 'last' }, { headers: bearer(API_KEY) })).http).toBe(201)
        await eventually('its answer has come', async () => {
          const later = await postJson(
            told.url,
            room,
            { data: 'later' },
            { headers: bearer(await token({ sub: 'ada' })) },
          )
          return later.http === 201
        })
        const { text } = await call(url(told.url, room, '/messages'), { headers: bearer(API_KEY) })
        expect(JSON.parse(text).messages.map(({ data }: { data: unknown }) => data)).toEqual(['last', 'later'])
      }
    })
  },
  { ...settings, ...LOCKED, HOLDLINE_RATE: '10' },
)
