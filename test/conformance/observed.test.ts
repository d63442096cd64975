import { expect, test } from 'vitest'
import { call, postJson, url } from './clients/http.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { chapter, freshRoom } from './suite.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const HELD_BY_A_PROCESS = { node: 200, workerd: 404 }

chapter(
  'metrics, locked',
  (gateway) => {
    const metrics = (headers: Record<string, string> = {}, query = '') =>
      call(`${gateway.url}/metrics${query}`, { headers })

    test('OPS-5 the metrics are for API keys alone; where there is no process, they say so', async () => {
      const { http, text, headers } = await metrics(bearer(API_KEY))
      expect(http).toBe(HELD_BY_A_PROCESS[gateway.target.name])
      expect(headers.get('cache-control')).toBe('no-store')
      if (http === 200) expect(text).toContain('\nholdline_ready 1\n')
      else expect(text).toContain('docs/metrics.md')
    })

    test('OPS-5 nobody else gets them', async () => {
      const everything = await token({ rooms: { '*': ['subscribe', 'publish', 'history', 'presence', 'manage'] } })
      const answers = [
        await metrics(),
        await metrics({}, `?token=${API_KEY}`),
        await metrics({}, `?token=${everything}`),
        await metrics(bearer('a-key-that-is-not-known')),
        await metrics(bearer(everything)),
      ]
      expect(answers.map(({ http, code }) => [http, code])).toEqual([
        ...new Array(4).fill([401, 'unauthorized']),
        [403, 'forbidden'],
      ])
      expect(answers.map(({ text }) => text).join()).not.toContain('holdline_')
    })
  },
  { env: LOCKED },
)

chapter('requests by name', (gateway) => {
  const idOf = async (headers: Record<string, string> = {}, path = '/healthz') =>
    (await call(`${gateway.url}${path}`, { headers })).headers.get('x-request-id')

  test('OPS-5 while the gateway is open to this machine alone, so are the metrics', async () => {
    const { http } = await call(`${gateway.url}/metrics`)
    expect(http).toBe(HELD_BY_A_PROCESS[gateway.target.name])
    const { http: foreign, code } = await call(`${gateway.url}/metrics`, {
      headers: { origin: 'https://evil.example' },
    })
    expect([foreign, code]).toEqual([403, 'origin'])
  })

  test('OPS-6 each answer bears the name of its request, made if none was given', async () => {
    const room = freshRoom()
    const answers = [
      await postJson(gateway.url, room, { data: 1 }),
      await postJson(gateway.url, room, '{'),
      await call(url(gateway.url, room, '/poll')),
      await call(`${gateway.url}/nowhere`),
      await call(`${gateway.url}/openapi.json`),
    ]
    const ids = answers.map(({ headers }) => headers.get('x-request-id') ?? '')
    expect(ids.filter((id) => !/^[\w-]{22}$/.test(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
    const stream = await fetch(url(gateway.url, room, '/events'))
    expect(stream.headers.get('x-request-id')).toMatch(/^[\w-]{22}$/)
    await stream.body?.cancel()
  })

  test('OPS-6 a name that was given is kept if it is one, and else a trace names it', async () => {
    expect(await idOf({ 'x-request-id': 'proxy:7f/3=a~b' })).toBe('proxy:7f/3=a~b')
    expect(await idOf({ traceparent: TRACE })).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
    expect(await idOf({ traceparent: TRACE, 'x-request-id': 'mine' })).toBe('mine')
    for (const malformed of ['', 'a b', '"quoted"', '{"level":"error"}', 'x'.repeat(65)]) {
      expect(await idOf({ 'x-request-id': malformed })).toMatch(/^[\w-]{22}$/)
    }
  })
})
