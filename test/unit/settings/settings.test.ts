import { describe, expect, it } from 'vitest'
import { UNCONFIGURED } from '../../../src/auth/gate.ts'
import { ALL } from '../../../src/settings/list.ts'
import { checkSettings, readSettings } from '../../../src/settings/read.ts'

const OPEN = { HOLDLINE_OPEN: '1' }
const linesOf = (variables: Record<string, unknown>, where: 'node' | 'edge' = 'node') =>
  readSettings(variables, where).wrong ?? []

describe('settings', () => {
  it('nothing set: on Node all that has a default has it, and what has none is not there', () => {
    const { settings } = readSettings({}, 'node')
    expect(settings?.server).toEqual({
      compression: false,
      host: '127.0.0.1',
      port: 8787,
      tcpConnections: 10_000,
      requestTimeout: 30,
      maxHeader: 16_384,
    })
    expect(settings?.limits).toEqual({
      payload: 65_536,
      rooms: 32,
      historyPage: 1000,
      presenceState: 1024,
      presence: 500,
    })
    expect(settings?.storage).toMatchObject({ data: '.holdline/rooms.db', sync: 'normal' })
    expect(settings?.access).toMatchObject({ algorithms: ['RS256', 'ES256', 'EdDSA', 'Ed25519'], lifetime: 86_400 })
  })

  it('what is empty is not set', () => {
    const empty = Object.fromEntries(ALL.map(({ name }) => [name, '']))
    expect(JSON.stringify(readSettings(empty, 'node'))).toBe(JSON.stringify(readSettings({}, 'node')))
  })

  it('all that is wrong is said at once, a line for each', () => {
    expect(
      linesOf({
        PORT: '65536',
        HOLDLINE_RATE: '0',
        HOLDLINE_SYNC: 'always',
        HOLDLINE_RETENTION: '*=1/1d,x',
        HOLDLINE_API_KEYS: 'a-key-that-is-long-enough,short',
        HOLDLINE_ORIGINS: 'https://app.example/',
        HOLDLINE_TRUSTED_PROXIES: '10.0.0.0/8,proxy.example',
        HOLDLINE_WEBHOOK_EVENTS: 'message,nonsense',
        HOLDLINE_RATES: '1',
        HOLDLINE_JWT_JWKS_URL: 'http://keys.example/',
      }),
    ).toEqual([
      'HOLDLINE_RATES is no setting; did you mean HOLDLINE_RATE?',
      'PORT must be a whole number from 0 to 65535, not "65536"',
      'HOLDLINE_TRUSTED_PROXIES must be an address, or a subnet such as 10.0.0.0/8; several are joined by commas, not "proxy.example"',
      'HOLDLINE_SYNC must be normal or full, not "always"',
      'HOLDLINE_RETENTION must be rules like chat:*=1000/1d, with a comma between them, not "x"',
      'HOLDLINE_API_KEYS must be a key of 16 characters at least; several are joined by commas',
      'HOLDLINE_JWT_JWKS_URL must be an https URL; http only on this machine',
      'HOLDLINE_ORIGINS must be origins such as https://app.example.com or https://*.example.com, without a path; several are joined by commas, not "https://app.example/"',
      'HOLDLINE_RATE must be a whole number from 1 to 1000000000, not "0"',
      'HOLDLINE_WEBHOOK_EVENTS must be session.open, session.close, presence.join, presence.leave, message, room.occupied or room.vacated; several are joined by commas, not "nonsense"',
    ])
  })

  it('AUTH-11 without a key there is one line on both runtimes, unless it is open', () => {
    for (const where of ['node', 'edge'] as const) {
      expect(linesOf({ HOST: '0.0.0.0' }, where)).toEqual([UNCONFIGURED])
      expect(linesOf({ HOLDLINE_OPEN: '0' }, where)).toEqual([UNCONFIGURED])
      expect(linesOf({ HOST: '0.0.0.0', ...OPEN }, where)).toEqual([])
      expect(linesOf({ HOST: '0.0.0.0', HOLDLINE_API_KEYS: 'a-key-that-is-long' }, where)).toEqual([])
    }
    expect(linesOf({}, 'edge')).toEqual([UNCONFIGURED])
    // `Host` is the client's to say, so it keeps nobody out who is on another machine.
    expect(linesOf({ HOST: '0.0.0.0', HOLDLINE_OPEN: 'loopback' })).toEqual([UNCONFIGURED])
    for (const HOST of ['localhost', '127.0.0.2', '::1']) expect(linesOf({ HOST })).toEqual([])
  })

  const MALFORMED: Readonly<Record<string, string>> = {
    HOLDLINE_API_KEYS: 'a-key-that-is-long-enough, hunter2',
    HOLDLINE_JWT_SECRET: 'hunter2',
    HOLDLINE_JWT_PUBLIC_KEY: '-----BEGIN PRIVATE KEY-----hunter2',
    HOLDLINE_WEBHOOK_SECRET: 'whsec_hunter2',
  }
  // What the command line shows to a gateway is any text, and so never malformed.
  it.each(ALL.filter(({ secret, name }) => secret && name in MALFORMED))(
    'no line shows a secret: $name',
    ({ name }) => {
      const lines = linesOf({ ...OPEN, [name]: MALFORMED[name] }, 'edge')
      expect(lines).toEqual([expect.stringContaining(`${name} must be`)])
      expect(lines.join()).not.toMatch(/hunter2|that-is-long/)
    },
  )

  it.each(['{"kty":"oct","k":"hunter2"}', '{"kty":"OKP","x":"x","d":"hunter2"}', '[]', 'null', 'x'])(
    'what is no public key is none: %s',
    (HOLDLINE_JWT_PUBLIC_KEY) => expect(linesOf({ HOLDLINE_JWT_PUBLIC_KEY })).toHaveLength(1),
  )

  it('a public key is tried with all else, whether it is PEM or JWK', async () => {
    const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])
    const key = JSON.stringify(await crypto.subtle.exportKey('jwk', publicKey))
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64')
    const pem = `-----BEGIN PUBLIC KEY-----\\n${spki}\\n-----END PUBLIC KEY-----`
    for (const HOLDLINE_JWT_PUBLIC_KEY of [key, pem]) {
      expect((await checkSettings({ HOLDLINE_JWT_PUBLIC_KEY }, 'edge')).wrong).toBeUndefined()
      const other = { HOLDLINE_JWT_PUBLIC_KEY, HOLDLINE_JWT_ALGORITHMS: 'RS256', HOLDLINE_RATE: 'x' }
      expect((await checkSettings(other, 'edge')).wrong).toEqual([
        expect.stringMatching(/^HOLDLINE_RATE/),
        expect.stringMatching(/^HOLDLINE_JWT_PUBLIC_KEY must be a public key.*HOLDLINE_JWT_ALGORITHMS$/),
      ])
    }
  })

  it.each([
    ['HOLDLINE_RATES', 'HOLDLINE_RATE'],
    ['HOLDLINE_JWT_SECRETS', 'HOLDLINE_JWT_SECRET'],
    ['HOLDLINE_JTW_SECRET', 'HOLDLINE_JWT_SECRET'],
    ['HOLDLINE_APIKEYS', 'HOLDLINE_API_KEYS'],
    ['HOLDLINE_CONNECTIONS_PER_IP', 'HOLDLINE_CONNECTIONS_PER_ROOM'],
    ['HOLDLINE_PORT', 'PORT'],
    ['HOLDLINE_HOST', 'HOST'],
    ['HOLDLINE_', undefined],
    ['HOLDLINE_NOTHING_OF_THE_KIND', undefined],
  ])('%s is no setting, and %s was meant', (name, meant) => {
    expect(linesOf({ [name]: '1' })).toEqual([`${name} is no setting${meant ? `; did you mean ${meant}?` : ''}`])
  })

  it('what an orchestrator sets for a service called holdline is not ours', () => {
    const theirs = {
      HOLDLINE_SERVICE_HOST: '10.0.0.11',
      HOLDLINE_SERVICE_PORT: '8787',
      HOLDLINE_SERVICE_PORT_HTTP: '8787',
      HOLDLINE_PORT: 'tcp://10.0.0.11:8787',
      HOLDLINE_PORT_8787_TCP: 'tcp://10.0.0.11:8787',
      HOLDLINE_PORT_8787_TCP_PROTO: 'tcp',
      HOLDLINE_PORT_8787_TCP_ADDR: '10.0.0.11',
      HOLDLINE_REDIS_SERVICE_HOST: '10.0.0.12',
    }
    expect(linesOf(theirs)).toEqual([])
  })

  it('what has no effect on the edge is refused there, unless the name may be for somebody else', () => {
    const node = ALL.filter(({ only }) => only === 'node').map(({ name }) => name)
    const given = Object.fromEntries(node.map((name) => [name, '1']))
    expect(linesOf({ ...OPEN, ...given }, 'edge')).toEqual(
      node
        .filter((name) => name.startsWith('HOLDLINE_'))
        .map((name) => `${name} has no effect on the edge; take it away`),
    )
    expect(node).toContain('PORT')
  })

  it('TLS-1 a certificate needs its key, and a key its certificate', () => {
    const [cert, key] = [{ HOLDLINE_TLS_CERT: 'cert.pem' }, { HOLDLINE_TLS_KEY: 'key.pem' }]
    expect(linesOf(cert)).toEqual(['HOLDLINE_TLS_KEY must be set with HOLDLINE_TLS_CERT: neither is of use alone'])
    expect(linesOf(key)).toEqual(['HOLDLINE_TLS_CERT must be set with HOLDLINE_TLS_KEY: neither is of use alone'])
    expect(linesOf({ ...cert, ...key })).toEqual([])
  })

  it('`[vars]` may hold numbers; other bindings are no text', () => {
    expect(readSettings({ ...OPEN, HOLDLINE_RATE: 5 }, 'edge').settings?.limits.rate).toBe(5)
    expect(linesOf({ ...OPEN, HOLDLINE_RATE: { get: () => '5' }, ROOMS: {} }, 'edge')).toEqual([
      'HOLDLINE_RATE must be a text',
    ])
  })

  it.each(['10.0.0.0/8', '192.168.1.1', '::1', 'fd00::/8', '2001:db8::1/128'])('%s is a proxy', (proxy) => {
    expect(linesOf({ HOLDLINE_TRUSTED_PROXIES: proxy })).toEqual([])
  })

  it.each(['10.0.0.0/33', '10.0.0', '256.1.1.1', '1.1.1.1.1', '::1/129', '::g', '10.0.0.0/8/8', '::1/', 'localhost'])(
    '%s is no proxy',
    (proxy) => expect(linesOf({ HOLDLINE_TRUSTED_PROXIES: proxy })).toHaveLength(1),
  )

  it('what is shown of a value is short', () => {
    const [line = ''] = linesOf({ HOLDLINE_RATE: 'x'.repeat(10_000) })
    expect(line.length).toBeLessThan(200)
  })
})
