import { expect, test } from 'vitest'
import { call, post, postJson, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { FRAMED_HEADER, frame, handshake, RawClient } from './clients/raw.ts'
import { API_KEY, bearer, LOCKED, OTHER_API_KEY, token } from './clients/tokens.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret } from './suite.ts'

const follow = async (base: string, room: string, route: string, headers: Record<string, string> = {}, query = {}) => {
  const answer = await fetch(url(base, room, route, { wait: 0, ...query }), { headers })
  const code = answer.ok ? undefined : ((await answer.json()) as { code: string }).code
  if (answer.ok) await answer.body?.cancel()
  return { http: answer.status, code, challenge: answer.headers.get('www-authenticate') }
}

chapter(
  'who may enter',
  (gateway) => {
    test('AUTH-1, AUTH-5 without a token no route answers, and each says so by a status or a close', async () => {
      const room = freshRoom()
      const routes = [
        ['GET', '/poll'],
        ['GET', '/events'],
        ['GET', '/messages'],
        ['POST', '/messages'],
        ['GET', '/presence'],
        ['PUT', '/presence'],
        ['GET', '/sessions'],
        ['GET', '/sessions/x'],
        ['DELETE', '/sessions/x'],
        ['POST', '/sessions/x/messages'],
        ['GET', ''],
      ] as const
      for (const [method, route] of routes) {
        const { http, code, headers } = await call(url(gateway.url, room, route), { method })
        expect([method, route, http, code]).toEqual([method, route, 401, 'unauthorized'])
        expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
      }
      for (const route of ['publish', 'revoke']) {
        expect((await call(`${gateway.url}/v1/${route}`, { method: 'POST', body: '{}' })).http).toBe(401)
      }
      for (const client of [new Framed(gateway.url, room), new Plain(gateway.url, room)]) {
        expect(await client.closed).toMatchObject({ code: 4501, reason: expect.stringMatching(/^unauthorized/) })
      }
    })

    test('PUB-5, AUTH-3 ids are each user’s own, also without a session', async () => {
      const room = freshRoom()
      const publish = async (sub: string, data: string) =>
        postJson(gateway.url, room, { data, id: 'm1' }, { headers: bearer(await token({ sub })) })
      expect([(await publish('ada', 'a')).http, (await publish('eve', 'e')).http]).toEqual([201, 201])
      expect((await publish('ada', 'a')).duplicate).toBe(true)
      expect((await publish('ada', 'b')).code).toBe('id_reused')
    })

    test('AUTH-2 a token is taken from the header, the query and the subprotocols, and never echoed', async () => {
      const room = freshRoom()
      const text = await token()
      expect((await follow(gateway.url, room, '/poll', bearer(text))).http).toBe(200)
      expect((await follow(gateway.url, room, '/poll', {}, { token: text })).http).toBe(200)
      expect((await follow(gateway.url, room, '/events', {}, { token: text })).http).toBe(200)
      const offered = new Framed(gateway.url, room, {}, ['holdline.v1', `holdline.token.${text}`])
      await offered.opened()
      expect(offered.socket.protocol).toBe('holdline.v1')
      const first = new Framed(gateway.url, room, {}, [`holdline.token.${text}`, 'holdline.v1'])
      await first.opened()
      expect(first.socket.protocol).toBe('holdline.v1')
      const refused = await follow(gateway.url, room, '/poll', bearer(`${text}x`))
      expect(refused).toMatchObject({ http: 401, code: 'unauthorized', challenge: expect.not.stringContaining(text) })
    })

    test('AUTH-3 a token lets its bearer do what it grants in that room, and nothing else', async () => {
      const room = freshRoom()
      const base = gateway.url
      const of = async (...capabilities: string[]) => bearer(await token({ rooms: { [room]: capabilities } }))
      const publish = (headers: Record<string, string>) => postJson(base, room, { data: 1 }, { headers })
      expect((await publish(await of('publish'))).http).toBe(201)
      expect(await publish(await of('subscribe', 'presence', 'history', 'manage'))).toMatchObject({
        http: 403,
        code: 'forbidden',
      })
      expect((await follow(base, room, '/poll', await of('subscribe'))).http).toBe(200)
      expect((await follow(base, room, '/events', await of('publish'))).http).toBe(403)
      expect((await follow(base, room, '/poll', await of('publish'))).http).toBe(403)
      expect((await follow(base, room, '/presence', await of('presence'))).http).toBe(200)
      expect((await follow(base, room, '/presence', await of('subscribe'))).http).toBe(403)
      expect((await follow(base, room, '/poll', await of('subscribe'), { presence: 1 })).http).toBe(403)
      expect((await follow(base, room, '/sessions', await of('manage'))).http).toBe(200)
      expect(
        (await follow(base, room, '/sessions', await of('subscribe', 'publish', 'presence', 'history'))).http,
      ).toBe(403)
      const own = await of('publish')
      expect((await post(base, room, 'text/plain', 'x', { headers: own })).http).toBe(201)
      expect(
        (await call(url(base, room, '/sessions/abc/messages'), { method: 'POST', body: 'x', headers: own })).http,
      ).toBe(403)
      const batch = await call(`${base}/v1/publish`, {
        method: 'POST',
        headers: own,
        body: JSON.stringify({
          messages: [
            { room, data: 1 },
            { room: freshRoom(), data: 1 },
          ],
        }),
      })
      expect(batch.results).toMatchObject([{ cursor: expect.any(String) }, { code: 'forbidden' }])
    })

    test('AUTH-3 on a WebSocket each operation needs its own capability', async () => {
      const room = freshRoom()
      const listens = await Framed.open(gateway.url, room, { token: await token({ rooms: { [room]: ['subscribe'] } }) })
      expect(await listens.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'error', code: 'forbidden' })
      expect(await listens.ask({ op: 'presence', state: 1 })).toMatchObject({ type: 'error', code: 'forbidden' })
      expect(await listens.ask({ op: 'history' })).toMatchObject({ type: 'history' })
      const plain = await Plain.open(gateway.url, room, { token: await token({ rooms: { [room]: ['subscribe'] } }) })
      plain.send('hello')
      expect((await plain.closed).code).toBe(4503)
      const speaks = new Framed(gateway.url, room, { token: await token({ rooms: { [room]: ['publish'] } }) })
      expect((await speaks.closed).code).toBe(4503)
    })

    test('AUTH-4 patterns open what they say and nothing beside it', async () => {
      const { url: base } = gateway
      const opens = async (pattern: string, room: string, sub: string | undefined = 'ada') =>
        (await follow(base, room, '/poll', bearer(await token({ sub, rooms: { [pattern]: ['subscribe'] } })))).http ===
        200
      expect(await opens('chat:*', 'chat:x')).toBe(true)
      expect(await opens('chat:*', 'chat2:x')).toBe(false)
      expect(await opens('doc:{user}', 'doc:ada')).toBe(true)
      expect(await opens('doc:{user}', 'doc:bob')).toBe(false)
    })

    test('AUTH-3, PUB-6 the token’s user is who publishes and who is here', async () => {
      const room = freshRoom()
      const reader = await Framed.open(gateway.url, room, { token: await token({ sub: 'bob' }), presence: 1 })
      expect(await reader.next()).toMatchObject({ type: 'presence', members: [{ user: 'bob' }] })
      await postJson(
        gateway.url,
        room,
        { data: 1 },
        { headers: bearer(await token()), query: { resume: freshSecret() } },
      )
      expect(await reader.next()).toMatchObject({ type: 'message', user: 'ada' })
    })

    test('AUTH-3 several rooms at once: each must be open, and a join to another is refused', async () => {
      const [room, other] = [freshRoom(), freshRoom()]
      const text = await token({ rooms: { [room]: ['subscribe'] } })
      const both = { headers: bearer(text) }
      expect((await call(`${gateway.url}/v1/poll?rooms=${room},${other}&wait=0`, both)).code).toBe('forbidden')
      expect((await call(`${gateway.url}/v1/events?rooms=${room},${other}`, both)).code).toBe('forbidden')
      expect((await call(`${gateway.url}/v1/poll?rooms=${room}&wait=0`, both)).http).toBe(200)
      const client = new RawClient(gateway.url)
      const head = handshake(gateway.url, room, { ...FRAMED_HEADER, ...bearer(text) })
      client.write(head.replace(/ \/v1\/rooms\/\S+/, ` /v1/ws?rooms=${room}`))
      await client.until('welcome')
      client.write(frame(JSON.stringify({ op: 'join', room: other, ref: 'j' })))
      expect(await client.until('"type":"left"')).toContain('4503')
    })

    test('AUTH-6 any of the API keys may do everything over HTTP, and only as a header', async () => {
      const room = freshRoom()
      for (const key of [API_KEY, OTHER_API_KEY]) {
        expect((await postJson(gateway.url, room, { data: 1 }, { headers: bearer(key) })).http).toBe(201)
        expect((await follow(gateway.url, room, '/sessions', bearer(key))).http).toBe(200)
      }
      expect((await follow(gateway.url, room, '/poll', {}, { token: API_KEY })).http).toBe(401)
      expect((await follow(gateway.url, room, '/poll', bearer(API_KEY.slice(0, -1)))).http).toBe(401)
    })

    test('AUTH-7 between two tokens the session’s secret is enough for a poll', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const first = await ask(gateway.url, room, { resume, token: await token() })
      expect(first.http).toBe(200)
      await gateway.running.evict?.(room, 'hibernate')
      expect((await ask(gateway.url, room, { resume, cursor: first.cursor, wait: 0 })).http).toBe(200)
      expect(await ask(gateway.url, room, { resume: freshSecret(), wait: 0 })).toMatchObject({
        http: 401,
        code: 'unauthorized',
      })
      expect((await follow(gateway.url, room, '/events', {}, { resume })).http).toBe(401)
      expect((await ask(gateway.url, freshRoom(), { resume, wait: 0 })).http).toBe(401)
    })
  },
  { env: LOCKED },
)
