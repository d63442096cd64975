import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { targets } from '../targets/index.ts'
import { call, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { bearer, type Claims, keys, payload, token, unsigned } from './clients/tokens.ts'
import { chapter } from './suite.ts'

const [rsa, ec, stranger] = [await keys('RS256'), await keys('ES256'), await keys('RS256')]
const ISSUER = { HOLDLINE_JWT_AUDIENCE: 'chat', HOLDLINE_JWT_ISSUER: 'https://issuer.example' }
const told = (claims: Claims = {}): Claims => ({ aud: 'chat', iss: 'https://issuer.example', ...claims })

/** Tokens that are not what they say; each with the answer that it gets. Room: `lobby`. */
const forged: Record<string, [make: () => Promise<string> | string, answer: string]> = {
  'alg none': [() => unsigned({ alg: 'none' }, payload(told())), 'unauthorized'],
  'alg none in capitals': [() => unsigned({ alg: 'NONE' }, payload(told()), 'x'), 'unauthorized'],
  'no alg': [() => unsigned({ typ: 'JWT' }, payload(told()), 'x'), 'unauthorized'],
  'the public key as an HS256 secret': [() => token(told(), rsa.pem), 'unauthorized'],
  'another key': [() => stranger.sign(told()), 'unauthorized'],
  'another algorithm than the key is for': [() => ec.sign(told()), 'unauthorized'],
  'a changed payload': [
    async () =>
      (await rsa.sign(told())).replace(/\.[^.]+\./, `.${unsigned({}, payload(told({ sub: 'eve' }))).split('.')[1]}.`),
    'unauthorized',
  ],
  'an expired one': [() => rsa.sign(told({ exp: -60 })), 'token_expired'],
  'one not yet valid': [() => rsa.sign(told({ nbf: Math.floor(Date.now() / 1000) + 600 })), 'unauthorized'],
  'one without an end': [() => rsa.sign(told({ exp: null })), 'unauthorized'],
  'one that lives too long': [() => rsa.sign(told({ exp: 90_000 })), 'unauthorized'],
  'one that has lived too long already': [
    () => {
      const now = Math.floor(Date.now() / 1000)
      return rsa.sign(told({ iat: now - 90_000, exp: 600 }))
    },
    'unauthorized',
  ],
  'one that does not say when it was made': [() => rsa.sign(told({ iat: undefined })), 'unauthorized'],
  'one that is made later': [
    () => {
      const now = Math.floor(Date.now() / 1000)
      return rsa.sign(told({ iat: now + 600, exp: 3600 }))
    },
    'unauthorized',
  ],
  'another audience': [() => rsa.sign(told({ aud: 'shop' })), 'unauthorized'],
  'no audience': [() => rsa.sign(told({ aud: undefined })), 'unauthorized'],
  'another issuer': [() => rsa.sign(told({ iss: 'https://evil.example' })), 'unauthorized'],
  'a kid that is a path': [() => stranger.sign(told(), { kid: '../../../../dev/null' }), 'unauthorized'],
  'a kid that is SQL': [() => stranger.sign(told(), { kid: "x' UNION SELECT 'secret" }), 'unauthorized'],
  'a key in its own header': [() => stranger.sign(told(), { jwk: stranger.jwk }), 'unauthorized'],
  'a key at its own URL': [() => stranger.sign(told(), { jku: 'http://127.0.0.1:1/keys' }), 'unauthorized'],
  'an extension that is critical and unknown': [
    () => unsigned({ alg: 'RS256', crit: ['x'], x: 1 }, payload(told()), 'x'),
    'unauthorized',
  ],
  'one of 10,000 characters': [() => rsa.sign(told({ filler: 'x'.repeat(7000) })), 'unauthorized'],
  'no JWT at all': [() => 'a.b.c', 'unauthorized'],
  'sub of a wrong type': [() => rsa.sign(told({ sub: { admin: true } })), 'unauthorized'],
  'an empty sub': [() => rsa.sign(told({ sub: '' })), 'unauthorized'],
  'sub with a lone surrogate': [() => rsa.sign(told({ sub: 'a\ud800' })), 'unauthorized'],
  'exp as a text': [() => rsa.sign(told({ exp: '9' as unknown as number })), 'unauthorized'],
  'nbf as a text': [() => rsa.sign(told({ nbf: '0' })), 'unauthorized'],
  'iat as a text': [() => rsa.sign(told({ iat: 'now' })), 'unauthorized'],
  'iat before time': [() => rsa.sign(told({ iat: -1 })), 'unauthorized'],
  'jti as a number': [() => rsa.sign(told({ jti: 7 })), 'unauthorized'],
  'aud as a number': [() => rsa.sign(told({ aud: 7 })), 'unauthorized'],
  'no issuer': [() => rsa.sign(told({ iss: undefined })), 'unauthorized'],
  'a kid that is an object': [() => unsigned({ alg: 'RS256', kid: {} }, payload(told()), 'x'), 'unauthorized'],
  'a certificate in its own header': [() => stranger.sign(told(), { x5c: ['MIIB'] }), 'unauthorized'],
  'encrypted in place of signed': [
    () => unsigned({ alg: 'dir', enc: 'A256GCM' }, payload(told()), 'x.y'),
    'unauthorized',
  ],
  'a signature that is empty': [() => unsigned({ alg: 'RS256' }, payload(told())), 'unauthorized'],
  'rooms as a list': [() => rsa.sign(told({ rooms: ['*'] })), 'unauthorized'],
  'rooms as a text': [() => rsa.sign(told({ rooms: '*' })), 'unauthorized'],
  'no rooms': [() => rsa.sign(told({ rooms: undefined })), 'unauthorized'],
  'capabilities as a text': [() => rsa.sign(told({ rooms: { '*': 'subscribe' } })), 'unauthorized'],
  'a capability that there is not': [() => rsa.sign(told({ rooms: { '*': ['subscribe', 'root'] } })), 'unauthorized'],
  'a token for another room': [() => rsa.sign(told({ rooms: { lobby2: ['subscribe'] } })), 'forbidden'],
  'a pattern that only begins alike': [() => rsa.sign(told({ rooms: { 'lob:*': ['subscribe'] } })), 'forbidden'],
  'chat:* in place of chat2:x': [() => rsa.sign(told({ rooms: { 'chat:*': ['subscribe'] } })), 'forbidden'],
  'an empty pattern': [() => rsa.sign(told({ rooms: { '': ['subscribe'] } })), 'forbidden'],
  'a pattern in capitals': [() => rsa.sign(told({ rooms: { LOBBY: ['subscribe'] } })), 'forbidden'],
  'a pattern with a line after it': [() => rsa.sign(told({ rooms: { 'lobby\n': ['subscribe'] } })), 'forbidden'],
  'a pattern whose parts overlap': [() => rsa.sign(told({ rooms: { 'lobb*bby': ['subscribe'] } })), 'forbidden'],
  'a pattern that is percent-encoded': [() => rsa.sign(told({ rooms: { 'lobb%79': ['subscribe'] } })), 'forbidden'],
  'a user without a name': [() => rsa.sign(told({ sub: undefined, rooms: { '{user}*': ['subscribe'] } })), 'forbidden'],
  'a room without capabilities': [() => rsa.sign(told({ rooms: { lobby: [] } })), 'forbidden'],
  'a pattern that is a regular expression': [
    () => rsa.sign(told({ rooms: { '(l|o|b)+.*': ['subscribe'] } })),
    'forbidden',
  ],
  'a prototype for a pattern': [
    () => rsa.sign(told({ rooms: JSON.parse('{"__proto__":{"lobby":["subscribe"]}}') })),
    'unauthorized',
  ],
  'constructor for a pattern': [() => rsa.sign(told({ rooms: { constructor: ['subscribe'] } })), 'forbidden'],
  'a user that is a pattern': [() => rsa.sign(told({ sub: '*', rooms: { '{user}': ['subscribe'] } })), 'forbidden'],
}

chapter(
  'attacks by token',
  (gateway) => {
    test('AUTH-5 a good token is let in', async () => {
      expect((await ask(gateway.url, 'lobby', { token: await rsa.sign(told()) })).http).toBe(200)
    })

    test.each(Object.entries(forged))('AUTH-3, AUTH-5 %s', async (_, [make, answer]) => {
      const text = await make()
      const headers = bearer(text)
      const refused = await call(url(gateway.url, 'lobby', '/poll'), { headers })
      expect([refused.http, refused.code]).toEqual([answer === 'forbidden' ? 403 : 401, answer])
      expect(refused.text).not.toContain(text)
    })
  },
  { env: { HOLDLINE_JWT_PUBLIC_KEY: rsa.pem, ...ISSUER } },
)

/** Keys at a URL: fetched, kept, fetched anew for one that is new, and not for every one that is unknown. */
let jwks: Server
let fetched = 0
const served = [{ ...rsa.jwk, kid: 'one' }]
beforeAll(async () => {
  jwks = createServer((_, response) => {
    fetched++
    response.end(JSON.stringify({ keys: served }))
  })
  await new Promise<void>((ready) => jwks.listen(0, '127.0.0.1', ready))
})
afterAll(() => jwks.close())

test.each(targets)('AUTH-5 keys at a URL, on $name', async (target) => {
  const address = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`
  const running = await target.start({ env: { HOLDLINE_JWT_JWKS_URL: address } })
  try {
    fetched = 0
    expect((await ask(running.url, 'lobby', { token: await rsa.sign({}, { kid: 'one' }) })).http).toBe(200)
    expect((await ask(running.url, 'lobby', { token: await token({}, rsa.pem) })).http).toBe(401)
    for (let i = 0; i < 20; i++) {
      const unknown = await stranger.sign({}, { kid: `unknown${i}` })
      expect(await ask(running.url, 'lobby', { token: unknown })).toMatchObject({ http: 401, code: 'unauthorized' })
    }
    expect(fetched).toBeLessThanOrEqual(2)
  } finally {
    await running.stop()
  }
})
