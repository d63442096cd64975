import { expect, test } from 'vitest'
import { targets } from '../targets/index.ts'
import { call, postJson, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { FRAMED_HEADER, handshake, RawClient } from './clients/raw.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter(
  'attacks on a locked gateway',
  (gateway) => {
    test('SES-2, AUTH-7 somebody else’s session', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const [ada, eve] = [await token(), await token({ sub: 'eve' })]
      const { cursor } = await ask(gateway.url, room, { resume, token: ada })
      const holds = await Framed.open(gateway.url, room, { resume, token: ada })
      expect((await ask(gateway.url, room, { resume, token: eve, cursor, wait: 0 })).http).toBe(403)
      const refused = new Framed(gateway.url, room, { resume, token: eve })
      expect(await refused.inbox.until(({ type }) => type === 'closing')).toMatchObject([{ code: 4503 }])
      expect((await refused.closed).code).toBe(4503)
      const said = await postJson(gateway.url, room, { data: 1 }, { headers: bearer(eve), query: { resume } })
      expect([said.http, said.code]).toEqual([403, 'forbidden'])
      expect((await call(url(gateway.url, room, '/messages', { resume }), { headers: bearer(eve) })).http).toBe(403)
      // Its id, which all may know, is no secret.
      expect((await ask(gateway.url, room, { resume: holds.welcome.session, wait: 0 })).http).toBe(401)
    })

    test('AUTH-3 a token of one room opens no route of another, however that is written', async () => {
      const [room, other] = [freshRoom(), freshRoom()]
      const headers = bearer(
        await token({ rooms: { [room]: ['subscribe', 'publish', 'presence', 'history', 'manage'] } }),
      )
      const routes = [
        ['GET', '/poll'], ['GET', '/events'], ['GET', '/messages'], ['POST', '/messages'], ['GET', '/presence'], ['PUT', `/presence?resume=${freshSecret()}`],
        ['GET', '/sessions'], ['DELETE', '/sessions/x'], ['POST', '/sessions/x/messages'], ['GET', ''], ['GET', '/webhooks/dead'], ['POST', '/webhooks/dead/resend'],
      ] as const // biome-ignore format: it is read row by row, and a value a line would hide what belongs together
      for (const [method, route] of routes) {
        for (const name of [other, `%${other.charCodeAt(0).toString(16)}${other.slice(1)}`]) {
          const body = method === 'PUT' ? '{"state":1}' : undefined
          const answer = await call(`${gateway.url}/v1/rooms/${name}${route}`, {
            method,
            headers,
            ...(body && { body }),
          })
          expect([method, route, answer.http, answer.code]).toEqual([method, route, 403, 'forbidden'])
        }
      }
      for (const route of ['poll', 'events']) {
        const answer = await call(`${gateway.url}/v1/${route}?rooms=${room},${other}`, { headers })
        expect([answer.http, answer.code]).toEqual([403, 'forbidden'])
      }
      const body = JSON.stringify({ messages: [{ room: other, data: 1 }] })
      const { results } = await call(`${gateway.url}/v1/publish`, { method: 'POST', headers, body })
      expect(results?.[0]?.code).toBe('forbidden')
      const steps = await call(`${gateway.url}/v1/rooms/${room}/..%2f${other}/messages`, { headers })
      expect(steps.http).toBeGreaterThanOrEqual(400)
    })

    test('AUTH-7 guesses at a session’s secret: each is 401, whether there is such a session or not', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      await ask(gateway.url, room, { resume, token: await token() })
      const guesses = [...range(20).map(() => freshSecret()), `${resume}x`, resume.slice(0, -1), resume.toUpperCase()]
      for (const guess of guesses) {
        for (const where of [room, freshRoom()]) {
          const answer = await ask(gateway.url, where, { resume: guess, wait: 0 })
          expect([answer.http, answer.code]).toEqual([401, 'unauthorized'])
        }
      }
      // In another room the secret is another session's, and opens nothing.
      expect((await ask(gateway.url, freshRoom(), { resume, wait: 0 })).http).toBe(401)
      // A secret is enough for a poll alone.
      expect((await call(url(gateway.url, room, '/events', { resume }))).http).toBe(401)
      expect((await postJson(gateway.url, room, { data: 1 }, { query: { resume } })).http).toBe(401)
      expect((await new Framed(gateway.url, room, { resume }).closed).code).toBe(4501)
      expect((await ask(gateway.url, room, { resume, wait: 0 })).http).toBe(200)
    })

    test('AUTH-1 what only the gateway may tell a room, on each route', async () => {
      const room = freshRoom()
      const hello = encodeURIComponent(JSON.stringify({ kind: 'poll', codec: 'poll', session: 'x', user: 'root' }))
      for (const extra of [
        { 'holdline-hello': hello },
        { 'holdline-refused': '200' },
        { 'x-http-method-override': 'DELETE' },
      ]) {
        for (const route of ['/poll', '/events', '/messages', '']) {
          expect((await call(url(gateway.url, room, route), { headers: extra })).code).toBe('unauthorized')
        }
        const headers = { ...bearer(await token()), ...extra }
        const polled = await call(url(gateway.url, room, '/poll', { wait: 0 }), { headers })
        expect([polled.http, polled.session === 'x']).toEqual([200, false])
      }
    })

    test('AUTH-1 what only the gateway may tell a room', async () => {
      const room = freshRoom()
      const smuggled = encodeURIComponent(
        JSON.stringify({ kind: 'websocket', codec: 'framed', session: 'x', user: 'root' }),
      )
      const client = new RawClient(gateway.url)
      client.write(handshake(gateway.url, room, { ...FRAMED_HEADER, 'holdline-hello': smuggled }))
      expect(await client.until('unauthorized')).not.toContain('welcome')
      const own = new RawClient(gateway.url)
      const allowed = { ...FRAMED_HEADER, ...bearer(await token()), 'holdline-hello': smuggled }
      own.write(handshake(gateway.url, room, allowed))
      expect(await own.until('welcome')).not.toContain('"session":"x"')
    })

    test('ERR-3, AUTH-9 prototypes in a body are fields like others', async () => {
      const room = freshRoom()
      const headers = bearer(API_KEY)
      for (const body of ['{"data":1,"__proto__":{"ephemeral":true}}', '{"data":1,"constructor":{"prototype":{}}}']) {
        expect((await postJson(gateway.url, room, body, { headers })).code).toBe('unknown_field')
      }
      const said = await postJson(gateway.url, room, '{"data":{"__proto__":{"polluted":1}}}', { headers })
      expect(said.http).toBe(201)
      const answer = await call(`${gateway.url}/v1/revoke`, {
        method: 'POST',
        headers,
        body: '{"__proto__":{"user":"x"}}',
      })
      expect(answer.code).toBe('unknown_field')
      expect((await call(url(gateway.url, room, '/poll', { wait: 0 }))).http).toBe(401)
    })

    test('AUTH-10 what is older than ten minutes needs `history`; what is new does not', async () => {
      const room = freshRoom()
      await postJson(gateway.url, room, { data: 'new' }, { headers: bearer(API_KEY) })
      const text = await token({ rooms: { [room]: ['subscribe'] } })
      const { events } = await ask(gateway.url, room, { token: text, cursor: '0-0', wait: 0 })
      expect(events.map(({ type }) => type)).toEqual(['message'])
    })
  },
  { env: LOCKED },
)

chapter('attacks on an open gateway', (gateway) => {
  const raw = async (head: string, until = '"code"') => {
    const client = new RawClient(gateway.url)
    client.write(`${head}connection: close\r\n\r\n`)
    return client.until(until)
  }

  test('AUTH-11 a name that was bound to this machine, and pages from elsewhere', async () => {
    const room = freshRoom()
    const { host, port } = new URL(gateway.url)
    expect(await raw(`GET /v1/rooms/${room} HTTP/1.1\r\nhost: evil.example:${port}\r\n`)).toContain('"code":"host"')
    expect(await raw(`GET /v1/rooms/${room} HTTP/1.1\r\nhost: localhost:${port}\r\n`, '"cursor"')).toContain('200')
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example']) {
      expect(await raw(`GET /v1/rooms/${room} HTTP/1.1\r\nhost: ${host}\r\norigin: ${origin}\r\n`)).toContain(
        '"code":"origin"',
      )
      const said = await call(url(gateway.url, room, '/messages'), { method: 'POST', headers: { origin }, body: 'x' })
      expect([said.http, said.code]).toEqual([403, 'origin'])
      const client = new RawClient(gateway.url)
      client.write(handshake(gateway.url, room, { ...FRAMED_HEADER, origin }))
      expect(await client.until('4503')).toContain('origin')
    }
    expect((await call(url(gateway.url, room), { headers: { origin: 'http://localhost:3000' } })).http).toBe(200)
  })

  test('AUTH-11 what a page from elsewhere embeds, which says no origin; a link from there is followed', async () => {
    const { host } = new URL(gateway.url)
    const get = (path: string, site: string, dest: string, until = 'HTTP/1.1 ') =>
      raw(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nsec-fetch-site: ${site}\r\nsec-fetch-dest: ${dest}\r\n`, until)
    for (const path of [`/v1/rooms/${freshRoom()}/poll?presence=1&resume=${freshSecret()}`, '/', '/openapi.json']) {
      for (const dest of ['image', 'script', 'iframe', 'empty']) {
        expect(await get(path, 'cross-site', dest, '}')).toContain('"code":"origin"')
      }
      expect(await get(path, 'cross-site', 'document')).toContain('200 OK')
      expect(await get(path, 'same-site', 'image')).toContain('200 OK')
    }
  })
})

chapter(
  'origins',
  (gateway) => {
    test.each([
      ['https://app.example', true],
      ['https://a.b.example', true],
      ['https://b.example', false],
      ['http://app.example', false],
      ['https://app.example.evil', false],
      ['https://evilb.example', false],
      ['null', false],
    ])('ORIGIN-1 %s: %s', async (origin, isAllowed) => {
      const room = freshRoom()
      const headers = { ...bearer(await token()), origin }
      for (const route of ['/poll', '/events', '']) {
        const answer = await fetch(url(gateway.url, room, route, { wait: 0 }), { headers })
        await answer.body?.cancel()
        expect(answer.status).toBe(isAllowed ? 200 : 403)
        expect(answer.headers.get('access-control-allow-origin')).toBe(isAllowed ? origin : null)
      }
      const client = new RawClient(gateway.url)
      client.write(handshake(gateway.url, room, { ...FRAMED_HEADER, ...headers }))
      expect(await client.until(isAllowed ? 'welcome' : 'closing')).toContain(isAllowed ? 'welcome' : '4503')
      expect((await new Plain(gateway.url, room).closed).code).toBe(4501)
    })

    test('ORIGIN-1 what another site embeds, with a token that it cannot know', async () => {
      const headers = { ...bearer(await token()), 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' }
      const { host } = new URL(gateway.url)
      const client = new RawClient(gateway.url)
      const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
      client.write(`GET /v1/rooms/${freshRoom()}/poll HTTP/1.1\r\n${lines.join('')}\r\n`)
      expect(await client.until('}')).toContain('"code":"origin"')
    })
  },
  { env: { ...LOCKED, HOLDLINE_ORIGINS: 'https://app.example,https://*.b.example' } },
)

test('AUTH-11 unset on the edge: 503 that says what to set', async () => {
  const edge = await targets.find(({ name }) => name === 'workerd')?.start({ env: { HOLDLINE_OPEN: '0' } })
  const answer = await ask(`${edge?.url}`, 'lobby')
  expect([answer.http, answer.code, answer.text.includes('HOLDLINE_JWT_SECRET')]).toEqual([503, 'unconfigured', true])
  await edge?.stop()
})

test('AUTH-11 unset on Node, for others to reach: it does not start, and says what to set', async () => {
  const started = targets[0]?.start({ env: { HOST: '0.0.0.0' } })
  await expect(started).rejects.toThrow(/HOLDLINE_API_KEYS.*HOLDLINE_OPEN=1/)
})

test('LIMIT-5 who drips headers or a body, or sends too many headers, is ended; what is held is not', async () => {
  const running = await targets[0]?.start({ env: { HOLDLINE_REQUEST_TIMEOUT: '1', HOLDLINE_MAX_HEADER: '4096' } })
  const base = `${running?.url}`
  const { host } = new URL(base)
  const held = ask(base, 'lobby', { cursor: '0-0', wait: 4 })
  const [head, body, large] = [new RawClient(base), new RawClient(base), new RawClient(base)]
  head.write('GET / HTTP/1.1\r\nho')
  body.write(`POST /v1/rooms/lobby/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 100\r\n\r\nx`)
  large.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nx: ${'x'.repeat(5000)}\r\n\r\n`)
  await large.until('431')
  await Promise.all([head.gone, body.gone])
  expect(await held).toMatchObject({ http: 200, events: [] })
  await running?.stop()
})
