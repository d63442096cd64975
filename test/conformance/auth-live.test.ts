import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { beside } from './clients/ends.ts'
import { call, postJson, say as sayOpen, url, wholeHistory } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway, range } from './suite.ts'

const revoke = (gateway: Gateway, body: object, headers = bearer(API_KEY)) =>
  call(`${gateway.url}/v1/revoke`, { method: 'POST', headers, body: JSON.stringify(body) })

chapter(
  'how long',
  (gateway) => {
    // These two beside each other, since they only wait for a token's end.
    test.concurrent(
      'AUTH-8 a live connection ends with its token, and not if a fresh one came',
      beside(async () => {
        const room = freshRoom()
        // Clocks may differ by five seconds, so this one lives for six to seven more: time enough to come in with it.
        const brief = await token({ exp: 2 })
        const [stays, goes] = [
          await Framed.open(gateway.url, room, { token: brief }),
          await Framed.open(gateway.url, room, { token: brief }),
        ]
        const polls = ask(gateway.url, room, { token: brief, cursor: '0-0', wait: 20 })
        expect(await stays.ask({ op: 'auth', token: await token() })).toMatchObject({ type: 'ack' })
        expect(await goes.closed).toMatchObject({ code: 4010, reason: 'token_expired' })
        expect(await polls).toMatchObject({ http: 200, events: [] })
        expect(await stays.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'ack' })
      }),
    )

    test.concurrent(
      'AUTH-8 streams, and the rooms of one that follows several, end with the token too',
      beside(async () => {
        const [room, other] = [freshRoom(), freshRoom()]
        const brief = await token({ exp: -1 })
        const [stream, streams] = [
          call(url(gateway.url, room, '/events', { token: brief })),
          call(url(gateway.url, [room, other], '/events', { token: brief })),
        ]
        const polls = call(url(gateway.url, [room, other], '/poll', { token: brief, cursor: '0-0.0-0', wait: 20 }))
        const several = await Framed.open(gateway.url, [room, other], { token: brief })
        expect((await stream).text).toContain('welcome')
        expect((await streams).text).toContain('welcome')
        expect(await polls).toMatchObject({ http: 200, events: [] })
        const ends = [...(await several.inbox.until(({ type }) => type === 'left')), await several.inbox.next()]
        expect(ends.slice(-2).map(({ type, code }) => [type, code])).toEqual(Array(2).fill(['left', 4010]))
        // What it was let in with is over, for rooms that it joins as well.
        several.send({ op: 'join', room: freshRoom(), ref: 'j' })
        expect((await several.inbox.until(({ ref }) => ref === 'j')).at(-1)).toMatchObject({ type: 'left', code: 4010 })
        await several.close()
      }),
    )

    test('AUTH-8 what comes after a token waits for it, in order', async () => {
      const room = freshRoom()
      const client = await Framed.open(gateway.url, room, { token: await token({ rooms: { [room]: ['subscribe'] } }) })
      const fresh = await token()
      const answers = ['a', 'b', 'c', 'd'].map((ref) => client.answer(ref))
      client.send(
        JSON.stringify([
          { op: 'publish', data: 1, ref: 'a' },
          { op: 'auth', token: fresh, ref: 'b' },
          { op: 'publish', data: 2, ref: 'c' },
        ]),
      )
      client.send({ op: 'publish', data: 3, ref: 'd' })
      expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['error', 'ack', 'ack', 'ack'])
      expect((await client.messages(2)).map(({ payload }) => payload)).toEqual(['2', '3'])
    })

    test('AUTH-8 a token of another user, a bad one and one for another room change nothing', async () => {
      const room = freshRoom()
      const client = await Framed.open(gateway.url, room, { token: await token() })
      const wrong = [
        [await token({ sub: 'bob' }), 'forbidden'],
        [await token({ exp: -60 }), 'token_expired'],
        ['x', 'unauthorized'],
        [await token({ rooms: { [freshRoom()]: ['subscribe'] } }), 'forbidden'],
      ] as const
      for (const [text, code] of wrong) {
        expect(await client.ask({ op: 'auth', token: text })).toMatchObject({ type: 'error', code })
      }
      expect(await client.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'ack' })
    })

    test('AUTH-8, MULTI-7 a fresh token over several rooms is what later joins come with, and a wrong one is not', async () => {
      const [first, later, last] = [freshRoom(), freshRoom(), freshRoom()]
      const few = await token({ rooms: { [first]: ['subscribe', 'publish'] } })
      const client = await Framed.open(gateway.url, [first], { token: few })
      const join = (room: string) => client.ask({ op: 'join', room })
      const renew = (text: string) => client.ask({ op: 'auth', room: first, token: text })
      expect(await join(later)).toMatchObject({ type: 'left', code: 4503 })
      expect(await renew(await token({ sub: 'bob' }))).toMatchObject({ type: 'error', code: 'forbidden' })
      expect(await join(later)).toMatchObject({ type: 'left', code: 4503 })
      // A join that is sent right after it waits for it.
      const answers = ['auth', 'join'].map((ref) => client.answer(ref))
      client.send([
        { op: 'auth', room: first, token: await token(), ref: 'auth' },
        { op: 'join', room: later, ref: 'join' },
      ])
      expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['ack', 'welcome'])
      expect(await client.ask({ op: 'publish', room: later, data: 1 })).toMatchObject({ type: 'ack' })
      expect(await renew(await token({ exp: -60 }))).toMatchObject({ type: 'error', code: 'token_expired' })
      expect(await join(last)).toMatchObject({ type: 'welcome' })
    })

    test('AUTH-9 in a room: by user, session and token id, at once, and for those who come', async () => {
      const room = freshRoom()
      const resume = freshSecret()
      const texts = {
        user: await token({ sub: 'eve', jti: 'e1' }),
        session: await token({ sub: 'sam', jti: 's1' }),
        token: await token({ sub: 'tom', jti: 't1' }),
        none: await token({ sub: 'ada' }),
      }
      const clients = {
        user: await Framed.open(gateway.url, room, { token: texts.user }),
        session: await Framed.open(gateway.url, room, { token: texts.session, resume }),
        token: await Framed.open(gateway.url, room, { token: texts.token }),
        none: await Framed.open(gateway.url, room, { token: texts.none }),
      }
      expect((await revoke(gateway, { user: 'eve' }, bearer(texts.none))).http).toBe(403)
      const began = Date.now()
      const session = clients.session.welcome.session
      expect((await revoke(gateway, { room, user: 'eve', session, token: 't1' })).http).toBe(200)
      for (const kind of ['user', 'session', 'token'] as const) {
        expect(await clients[kind].next()).toMatchObject({ type: 'closing', code: 4507, reason: 'revoked' })
      }
      expect(Date.now() - began).toBeLessThan(10_000)
      expect(await clients.none.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'ack' })
      await gateway.running.evict?.(room, 'hibernate')
      expect((await new Framed(gateway.url, room, { token: texts.user }).closed).code).toBe(4507)
      expect(await ask(gateway.url, room, { token: texts.token })).toMatchObject({ http: 401, code: 'revoked' })
      const said = await postJson(gateway.url, room, { data: 1 }, { headers: bearer(texts.user) })
      expect(said).toMatchObject({ http: 401, code: 'revoked' })
      await gateway.running.crash()
      expect((await new Framed(gateway.url, room, { token: texts.user }).closed).code).toBe(4507)
    })

    test('AUTH-9 everywhere on Node; on the edge a room must be named', async () => {
      const [room, other] = [freshRoom(), freshRoom()]
      const text = await token({ sub: 'mallory' })
      const client = await Framed.open(gateway.url, room, { token: text })
      const answer = await revoke(gateway, { user: 'mallory' })
      if (gateway.target.name !== 'node') {
        expect(answer).toMatchObject({ http: 400, code: 'bad_request' })
        return
      }
      expect(answer.http).toBe(200)
      expect((await client.closed).code).toBe(4507)
      expect((await ask(gateway.url, other, { token: text })).code).toBe('revoked')
      expect((await new Framed(gateway.url, other, { token: text }).closed).code).toBe(4507)
      await gateway.running.crash()
      expect((await ask(gateway.url, other, { token: text })).code).toBe('revoked')
    })

    test('AUTH-9, AUTH-7 revoked everywhere or in the room: also a session between two polls, by its secret alone', async () => {
      const everywhere = gateway.target.name === 'node' ? [true, false] : [false]
      for (const isEverywhere of everywhere) {
        for (const kind of ['user', 'session', 'token'] as const) {
          const [room, resume] = [freshRoom(), freshSecret()]
          const text = await token({ sub: `sub-${room}`, jti: `jti-${room}` })
          const { cursor, session } = await ask(gateway.url, room, { resume, token: text })
          const names = { user: `sub-${room}`, session, token: `jti-${room}` }
          const answer = await revoke(gateway, { [kind]: names[kind], ...(!isEverywhere && { room }) })
          expect(answer.http).toBe(200)
          const again = await ask(gateway.url, room, { resume, cursor, wait: 0, presence: 1 })
          expect([kind, again.http, again.code]).toEqual([kind, 401, 'revoked'])
          const headers = bearer(text)
          const said = await postJson(gateway.url, room, { data: 1 }, { headers, query: { resume } })
          expect([kind, said.http, said.code]).toEqual([kind, 401, 'revoked'])
          const state = await call(url(gateway.url, room, '/presence', { resume }), {
            method: 'PUT',
            headers,
            body: '{"state":1}',
          })
          expect([kind, state.http, state.code]).toEqual([kind, 401, 'revoked'])
          // And nobody has seen it come.
          const { text: here } = await call(url(gateway.url, room, '/presence'), { headers: bearer(API_KEY) })
          expect([kind, JSON.parse(here).count]).toEqual([kind, 0])
        }
      }
    })
  },
  { env: LOCKED },
)

chapter(
  'limits',
  (gateway) => {
    test('LIMIT-1 too many messages a second are refused with advice, and who goes on is sent away', async () => {
      const room = freshRoom()
      const [fast, other] = [await Framed.open(gateway.url, room), await Framed.open(gateway.url, room)]
      const answers = Array.from({ length: 8 }, (_, i) => fast.answer(`x${i}`))
      fast.send(JSON.stringify(answers.map((_, i) => ({ op: 'publish', data: i, ref: `x${i}` }))))
      const types = (await Promise.all(answers)).map(({ type, code, retryAfter }) => [
        type,
        code,
        (retryAfter ?? 0) > 0,
      ])
      expect(types.slice(0, 5)).toEqual(Array(5).fill(['ack', undefined, false]))
      expect(types.slice(5)).toEqual(Array(3).fill(['error', 'rate', true]))
      fast.send(JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ op: 'publish', data: i }))))
      expect(await fast.closed).toMatchObject({ code: 4011, reason: 'rate' })
      expect(await other.ask({ op: 'publish', data: 'mine' })).toMatchObject({ type: 'ack' })
    })

    test('LIMIT-1 presence states count as messages do: others hear of each', async () => {
      const room = freshRoom()
      const [fast, other] = [
        await Framed.open(gateway.url, room, { presence: 1 }),
        await Framed.open(gateway.url, room),
      ]
      const answers = Array.from({ length: 8 }, (_, i) => fast.answer(`x${i}`))
      fast.send(JSON.stringify(answers.map((_, i) => ({ op: 'presence', state: i, ref: `x${i}` }))))
      const codes = (await Promise.all(answers)).map(({ code }) => code)
      expect(codes).toEqual([...Array(5).fill(undefined), ...Array(3).fill('rate')])
      fast.send(JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ op: 'presence', state: i }))))
      expect(await fast.closed).toMatchObject({ code: 4011, reason: 'rate' })
      expect(await other.ask({ op: 'publish', data: 'mine' })).toMatchObject({ type: 'ack' })
    })

    test('LIMIT-4 a room takes so many connections', async () => {
      const room = freshRoom()
      for (let i = 0; i < 3; i++) await Framed.open(gateway.url, room)
      expect(await new Framed(gateway.url, room).closed).toMatchObject({ code: 4011, reason: 'room_full' })
      expect(await ask(gateway.url, room)).toMatchObject({ http: 429, code: 'room_full' })
      expect(await sayOpen(gateway.url, freshRoom(), 1)).toBeDefined()
    })
  },
  { env: { HOLDLINE_RATE: '5', HOLDLINE_CONNECTIONS_PER_ROOM: '3' } },
)

chapter(
  'limits of a user and of an address',
  (gateway) => {
    test('LIMIT-2 too many messages of one user are 429 with Retry-After', async () => {
      const room = freshRoom()
      const headers = bearer(await token())
      const answers = await Promise.all(
        Array.from({ length: 9 }, () => postJson(gateway.url, room, { data: 1 }, { headers })),
      )
      const refused = answers.filter(({ http }) => http === 429)
      expect(refused.length).toBeGreaterThan(0)
      for (const { code, headers } of refused)
        expect([code, Number(headers.get('retry-after')) > 0]).toEqual(['rate', true])
      const bob = await postJson(gateway.url, room, { data: 1 }, { headers: bearer(await token({ sub: 'bob' })) })
      expect(bob.http).toBe(201)
    })

    test('LIMIT-2 presence states over HTTP count as messages do', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const headers = bearer(await token())
      const client = await Framed.open(gateway.url, room, { resume, token: await token(), presence: 1 })
      const put = () =>
        call(url(gateway.url, room, '/presence', { resume }), { method: 'PUT', headers, body: '{"state":1}' })
      const answers = await Promise.all(Array.from({ length: 9 }, put))
      expect(answers.map(({ code }) => code)).toContain('rate')
      await client.close()
    })

    test('LIMIT-2 over HTTP who has no name is bounded by the token', async () => {
      const room = freshRoom()
      const publish = async (text: string) => postJson(gateway.url, room, { data: 1 }, { headers: bearer(text) })
      for (const jti of [undefined, 'a-token']) {
        const text = await token({ sub: undefined, jti })
        const answers = await Promise.all(Array.from({ length: 9 }, () => publish(text)))
        expect(answers.map(({ code }) => code)).toContain('rate')
      }
      expect((await publish(await token({ sub: undefined, jti: 'another' }))).http).toBe(201)
    })

    test('LIMIT-2, BATCH-2 a batch of a user is taken whole or refused whole, and one larger than the rate is lent for', async () => {
      const room = freshRoom()
      const publish = async (user: string, count: number) => {
        const messages = range(count).map((i) => ({ room, data: `${user} ${i}` }))
        const headers = { 'content-type': 'application/json', ...bearer(await token({ sub: user })) }
        const init = { method: 'POST', headers, body: JSON.stringify({ messages }) }
        return (await call(`${gateway.url}/v1/publish`, init)).results?.map(({ code = 'taken' }) => code)
      }
      const [whole, refused] = [
        ['taken', 'taken'],
        ['rate', 'rate'],
      ]
      const batches = await Promise.all(range(9).map(() => publish('cleo', 2)))
      expect(batches).toContainEqual(whole)
      expect(batches).toContainEqual(refused)
      expect(batches.filter((each) => `${each}` !== `${whole}` && `${each}` !== `${refused}`)).toEqual([])
      const larger = await Promise.all(range(2).map(() => publish('dan', 30)))
      expect(larger.sort()).toEqual([range(30).map(() => 'rate'), range(30).map(() => 'taken')])
      const kept = await wholeHistory(gateway.url, room, { token: await token() })
      expect(kept).toHaveLength(2 * batches.filter((each) => `${each}` === `${whole}`).length + 30)
    })

    test('LIMIT-3 one address has so many connections, and others never notice', async () => {
      const room = freshRoom()
      const text = await token()
      const clients = Array.from({ length: 40 }, () => new Framed(gateway.url, room, { token: text }))
      const refusals = clients.map((client) => client.closed.then(({ code }) => code))
      const first = await Promise.any(refusals)
      expect([4011, 1006]).toContain(first)
      for (const client of clients) client.socket.terminate()
      await eventually('there is room again', async () => {
        const again = await call(url(gateway.url, room), { headers: bearer(API_KEY) }).catch(() => undefined)
        return again?.http === 200
      })
    })
  },
  { env: { ...LOCKED, HOLDLINE_USER_RATE: '3', HOLDLINE_CONNECTIONS_PER_ADDRESS: '20' } },
)
