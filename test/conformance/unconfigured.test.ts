import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { node } from '../targets/node.ts'
import type { Running } from '../targets/target.ts'
import { workerd } from '../targets/workerd.ts'
import { call, url } from './clients/http.ts'
import { API_KEY } from './clients/tokens.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { freshRoom } from './suite.ts'

const WRONG = {
  HOLDLINE_RATES: '5',
  HOLDLINE_MAX_PAYLOAD: '2000000',
  HOLDLINE_RETENTION: '*=lots',
  HOLDLINE_API_KEYS: `${API_KEY},hunter2`,
  HOLDLINE_JWT_PUBLIC_KEY: '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}',
  HOLDLINE_WEBHOOK_URL: 'http://127.0.0.1/',
}
const LINES = [
  'HOLDLINE_RATES is no setting; did you mean HOLDLINE_RATE?',
  'HOLDLINE_RETENTION must be rules like chat:*=1000/1d, with a comma between them, not "*=lots"',
  'HOLDLINE_API_KEYS must be a key of 16 characters at least; several are joined by commas',
  'HOLDLINE_MAX_PAYLOAD must be a whole number from 1 to 1048576, not "2000000"',
  'HOLDLINE_WEBHOOK_URL: 127.0.0.1 is a private address; set HOLDLINE_WEBHOOK_PRIVATE=1 if the backend is meant to be there',
  'HOLDLINE_WEBHOOK_SECRET must be `whsec_` and 24 to 64 random bytes in base64, from: echo "whsec_$(openssl rand -base64 32)"; several are joined by commas',
  'HOLDLINE_JWT_PUBLIC_KEY must be a public key, as SPKI PEM or as JWK, for one of HOLDLINE_JWT_ALGORITHMS',
]

test('OPS-4 on Node it does not start, and says each line', async () => {
  const failed = await node.start({ env: WRONG }).then(
    () => '',
    ({ message }: Error) => message,
  )
  expect(failed).toContain(`ended with 78\nHoldline did not start`)
  expect(failed.split('\n').filter((line) => line.startsWith('  '))).toEqual(LINES.map((line) => `  ${line}`))
})

describe('on the edge', () => {
  let gateway: Running
  beforeAll(async () => {
    gateway = await workerd.start({ env: WRONG })
  })
  afterAll(() => gateway.stop())

  test.each(['/', '/readyz', '/v1/rooms/lobby', '/v1/rooms/lobby/poll', '/v1/rooms/lobby/events', '/v1/publish', '/x'])(
    'OPS-4 %s answers 503 with the same lines, whoever asks',
    async (path) => {
      const answer = await call(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${API_KEY}` } })
      expect([answer.http, answer.code, answer.detail?.split('\n')]).toEqual([503, 'unconfigured', LINES])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    },
  )

  test('OPS-4 a WebSocket is accepted, and closed with 4012', async () => {
    for (const client of [new Framed(gateway.url, freshRoom()), new Plain(gateway.url, freshRoom())]) {
      const { code, reason } = await client.closed
      expect([code, reason]).toEqual([4012, expect.stringMatching(/^unconfigured: HOLDLINE_RATES is no setting/)])
    }
  })

  test('OPS-4 it lives', async () => {
    expect(await call(`${gateway.url}/healthz`)).toMatchObject({ http: 200, status: 'ok' })
    expect((await call(url(gateway.url, 'lobby'))).http).toBe(503)
  })
})
