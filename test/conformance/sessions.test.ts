import { describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { call, history, info, postJson, say, url } from './clients/http.ts'
import { transports, transportsOf } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { endSession, putPresence, sessionInfo, sessionPage } from './clients/presence.ts'
import { Stream } from './clients/sse.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('sessions', (gateway) => {
  const holds = (room: string, id: string | undefined, connections: string[]) =>
    eventually(`${id} holds ${connections}`, async () => {
      const held = await sessionInfo(gateway.url, room, `${id}`)
      return held !== undefined && `${held.connections.sort()}` === `${connections.sort()}`
    })

  const expectToEnd = async (room: string, id: string | undefined) => {
    const { endsAt = 0 } = (await sessionInfo(gateway.url, room, `${id}`)) ?? {}
    expect(endsAt - Date.now()).toBeGreaterThan(20_000)
    expect(endsAt - Date.now()).toBeLessThanOrEqual(30_000)
  }

  test('SES-1, SES-5 the same secret is one session, whatever the transports', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const { session } = await ask(gateway.url, room, { resume })
    for (const { open } of transports) await open(gateway.url, room, { resume })
    await holds(room, session, ['websocket', 'websocket', 'poll', 'sse'])
    expect(await sessionPage(gateway.url, room)).toMatchObject({ sessions: [{ session, present: false }], next: null })
    expect((await info(gateway.url, room)).sessions).toBe(1)
    const other = await Framed.open(gateway.url, room)
    expect((await info(gateway.url, room)).sessions).toBe(2)
    expect(other.welcome.session).not.toBe(session)
  })

  test('SES-1 the same secret in another room is another session', async () => {
    const resume = freshSecret()
    const sessions = await Promise.all(range(2).map(() => Framed.open(gateway.url, freshRoom(), { resume })))
    expect(new Set(sessions.map(({ welcome }) => welcome.session)).size).toBe(2)
  })

  // The others: on workerd it shows late that a stream's or a poll's reader has left. grace.test.ts waits for it.
  test.each(transportsOf(gateway).filter(({ name }) => ['framed', 'plain', 'tcp'].includes(name)))(
    'SES-1, SES-5 a session outlives its last connection, here of $name, by 30 s',
    async ({ open }) => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const { session } = await ask(gateway.url, room, { resume })
      await (await open(gateway.url, room, { resume })).close()
      await holds(room, session, [])
      await expectToEnd(room, session)
      await open(gateway.url, room, { resume })
      expect(await sessionInfo(gateway.url, room, `${session}`)).not.toHaveProperty('endsAt')
    },
  )

  test('SES-1, SES-5 a session outlives the last of its polls by 30 s', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const { session, cursor } = await ask(gateway.url, room, { resume })
    await expectToEnd(room, session)
    const held = ask(gateway.url, room, { resume, cursor, wait: 55 })
    await holds(room, session, ['poll'])
    expect(await sessionInfo(gateway.url, room, `${session}`)).not.toHaveProperty('endsAt')
    await say(gateway.url, room, 'end')
    await held
    await holds(room, session, [])
    await expectToEnd(room, session)
  })

  describe('SES-3', () => {
    const four = async (room: string, resume: string) => {
      for (const _ of range(4)) await Framed.open(gateway.url, room, { resume })
    }

    test('SES-3 a fifth connection closes the oldest framed or plain one with 4505', async () => {
      for (const open of [Framed.open, Plain.open]) {
        const [room, resume] = [freshRoom(), freshSecret()]
        const oldest = await open(gateway.url, room, { resume })
        await four(room, resume)
        expect(await oldest.closed).toEqual({ code: 4505, reason: 'replaced' })
        if (oldest instanceof Framed) expect(await oldest.next()).toMatchObject({ type: 'closing', code: 4505 })
      }
    })

    test('SES-3 a fifth connection refuses the oldest poll', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const cursor = await say(gateway.url, room, 'before')
      const oldest = ask(gateway.url, room, { resume, cursor, wait: 55 })
      await eventually('it is held', async () => (await info(gateway.url, room)).connections?.poll === 1)
      await four(room, resume)
      expect(await oldest).toMatchObject({ http: 403, code: 'forbidden', detail: 'replaced' })
    })

    test('SES-3 a fifth connection ends the oldest stream, saying why', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const oldest = await Stream.open(gateway.url, room, { resume })
      await four(room, resume)
      expect(await oldest.next()).toMatchObject({ type: 'closing', code: 4505, reason: 'replaced' })
      await oldest.ended
    })
  })

  test('SES-5 sessions are listed in pages, in the order of their ids', async () => {
    const room = freshRoom()
    const sockets = await Promise.all(range(7).map(() => Framed.open(gateway.url, room, { presence: 1 })))
    await sockets[0]?.ask({ op: 'presence', state: { here: true } })
    const ids = sockets.map(({ welcome }) => `${welcome.session}`).sort()
    const whole = await sessionPage(gateway.url, room)
    expect([whole.sessions.map(({ session }) => session), whole.next]).toEqual([ids, null])
    const found = []
    let after: string | undefined
    for (const size of [3, 3, 1]) {
      const page = await sessionPage(gateway.url, room, { limit: 3, after })
      expect(page.sessions).toHaveLength(size)
      found.push(...page.sessions)
      expect(page.next).toBe(size === 3 ? page.sessions.at(-1)?.session : null)
      after = page.next ?? undefined
    }
    expect(found).toEqual(whole.sessions)
    const [first] = found.filter(({ session }) => session === sockets[0]?.welcome.session)
    expect(first).toEqual({
      session: sockets[0]?.welcome.session,
      present: true,
      connections: ['websocket'],
      attached: [{ kind: 'websocket', since: expect.any(Number), queue: expect.any(Number), lag: 0 }],
      state: { here: true },
    })
    expect(await sessionInfo(gateway.url, room, `${first?.session}`)).toEqual(first)
  })

  test.each([{ limit: 0 }, { limit: 1001 }, { limit: 'x' }, { limit: '' }])('SES-5 %s is refused', async (query) => {
    expect(await call(url(gateway.url, freshRoom(), '/sessions', query))).toMatchObject({
      http: 400,
      code: 'bad_request',
    })
  })

  test.each(['nobody', 'a'.repeat(22), 'a b', 'x'.repeat(200), '💥', '..%2f'])(
    'SES-5, SES-6 there is no session %s: 404',
    async (id) => {
      const room = freshRoom()
      await Framed.open(gateway.url, room)
      const address = url(gateway.url, room, `/sessions/${encodeURIComponent(id)}`)
      expect(await call(address)).toMatchObject({ http: 404, code: 'not_found' })
      expect(await call(address, { method: 'DELETE' })).toMatchObject({ http: 404, code: 'not_found' })
    },
  )

  test('SES-5 an empty room has no sessions', async () => {
    expect(await sessionPage(gateway.url, freshRoom())).toEqual({ sessions: [], next: null })
  })

  test('SES-6 DELETE closes all of a session’s connections with 4506, and nobody else’s', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const cursor = await say(gateway.url, room, 'before')
    const framed = await Framed.open(gateway.url, room, { resume, presence: 1 })
    const plain = await Plain.open(gateway.url, room, { resume })
    const stream = await Stream.open(gateway.url, room, { resume })
    const poll = ask(gateway.url, room, { resume, cursor, wait: 55 })
    const other = await Framed.open(gateway.url, room, { presence: 1 })
    const { session } = framed.welcome
    await holds(room, session, ['websocket', 'websocket', 'poll', 'sse'])
    await other.inbox.until(({ action }) => action === 'sync')
    const { http, text } = await endSession(gateway.url, room, session)
    expect([http, text]).toEqual([204, ''])
    expect(await framed.closed).toEqual({ code: 4506, reason: 'disconnected' })
    expect(await plain.closed).toEqual({ code: 4506, reason: 'disconnected' })
    await stream.ended
    expect(stream.inbox.waiting().at(-1)).toMatchObject({ type: 'closing', code: 4506, reason: 'disconnected' })
    expect(framed.inbox.waiting().at(-1)).toMatchObject({ type: 'closing', code: 4506, reason: 'disconnected' })
    // A client that polls in a loop must not come back as if nothing had happened: it is a final refusal.
    expect(await poll).toMatchObject({ http: 403, code: 'forbidden', detail: 'disconnected' })
    await say(gateway.url, room, 'end')
    expect((await other.presenceUntil('end')).at(-1)).toMatchObject({ action: 'leave', session })
    expect(await sessionInfo(gateway.url, room, `${session}`)).toBeUndefined()
    expect((await endSession(gateway.url, room, session)).http).toBe(404)
    expect((await info(gateway.url, room)).sessions).toBe(1)
  })

  test('SES-6 an ended session may begin anew with the same secret', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const first = await Framed.open(gateway.url, room, { resume })
    await endSession(gateway.url, room, first.welcome.session)
    const second = await Framed.open(gateway.url, room, { resume })
    await first.closed
    expect(second.welcome.session).toBe(first.welcome.session)
    await say(gateway.url, room, 'welcome back')
    expect((await second.messages(1))[0]?.payload).toBe('welcome back')
    await holds(room, second.welcome.session, ['websocket'])
  })

  test('SES-6 a session between two connections is ended too', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const watcher = await Framed.open(gateway.url, room, { presence: 1 })
    const { session } = await ask(gateway.url, room, { resume, presence: 1 })
    expect((await endSession(gateway.url, room, session)).http).toBe(204)
    expect((await putPresence(gateway.url, room, resume, '{"state":1}')).http).toBe(404)
    await say(gateway.url, room, 'end')
    const changes = (await watcher.presenceUntil('end')).filter((event) => event.session === session)
    expect(changes.map(({ action }) => action)).toEqual(['join', 'leave'])
  })

  describe.each(transportsOf(gateway))('$name', ({ open }) => {
    test('SES-7 what is posted to a session reaches it live and on a resume, and nobody else', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const { session } = await ask(gateway.url, room, { resume })
      const post = (body: unknown) =>
        call(url(gateway.url, room, `/sessions/${session}/messages`), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      const [own, other] = [await open(gateway.url, room, { resume }), await open(gateway.url, room)]
      expect(await post({ data: 'for you', id: 'one' })).toMatchObject({ http: 201, id: 'one' })
      expect(await post({ data: 'for you', id: 'one' })).toMatchObject({ http: 200, duplicate: true })
      expect(await post({ data: 'now', ephemeral: true })).toMatchObject({ http: 202 })
      await say(gateway.url, room, 'end')
      expect(await own.payloadsUntil('end')).toEqual(['for you', 'now'])
      expect(await other.payloadsUntil('end')).toEqual([])
      await own.close()
      await post({ data: 'while you were away' })
      await say(gateway.url, room, 'later')
      const back = await open(gateway.url, room, { resume, cursor: '0-0' })
      expect(await back.payloadsUntil('later')).toEqual(['for you', 'end', 'while you were away'])
      const stranger = await open(gateway.url, room, { cursor: '0-0' })
      expect(await stranger.payloadsUntil('later')).toEqual(['end'])
    })
  })

  test('SES-7 and in history, where nobody else sees it', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const { session } = await ask(gateway.url, room, { resume })
    const address = url(gateway.url, room, `/sessions/${session}/messages`)
    const bytes = { method: 'POST', body: Buffer.from([1, 2]) }
    const plain = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'text' }
    expect([(await call(address, plain)).http, (await call(address, bytes)).http]).toEqual([201, 201])
    const seen = async (query = {}) => (await history(gateway.url, room, query)).messages.map(({ payload }) => payload)
    expect(await seen({ resume })).toEqual(['text', Buffer.from([1, 2])])
    expect(await seen()).toEqual([])
    expect(await seen({ resume: freshSecret() })).toEqual([])
  })

  test('SES-7 it says from whom, and refuses what the route has said or cannot read', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const target = await Framed.open(gateway.url, room)
    const sender = await ask(gateway.url, room, { resume })
    const to = `/sessions/${target.welcome.session}`
    const post = (body: unknown, rest = to) =>
      call(url(gateway.url, room, `${rest}/messages`, { resume }), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect((await post({ data: 'hello' })).http).toBe(201)
    expect((await target.messages(1))[0]).toMatchObject({ payload: 'hello', from: sender.session })
    expect(await post({ data: 1, to: { sessions: ['x'] } })).toMatchObject({ http: 400, code: 'bad_request' })
    expect(await post({ dta: 1 })).toMatchObject({ http: 400, code: 'unknown_field' })
    expect(await post({ data: 1 }, '/sessions/a%20b')).toMatchObject({ http: 404, code: 'not_found' })
    expect(await post({ data: 'x'.repeat(65_537) })).toMatchObject({ http: 413, code: 'too_large' })
    expect((await postJson(gateway.url, room, { data: 'end' })).http).toBe(201)
    expect(await target.payloadsUntil('end')).toEqual([])
  })
})
