import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'

export const SECRET = 'a secret that only this suite knows, and long enough'
export const API_KEY = 'an-api-key-of-this-suite-0001'
export const OTHER_API_KEY = 'an-api-key-of-this-suite-0002'

/** Settings of a gateway that lets nobody in without a token. */
export const LOCKED = { HOLDLINE_JWT_SECRET: SECRET, HOLDLINE_API_KEYS: `${API_KEY}, ${OTHER_API_KEY}` }

export type Rooms = Record<string, readonly string[]>

export interface Claims {
  sub?: unknown
  rooms?: unknown
  /** Seconds from now. */
  exp?: number | null
  [claim: string]: unknown
}

const now = (): number => Math.floor(Date.now() / 1000)

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A token as a backend would make it: for ada, an hour long, and for everything in every room unless it says else. */
export function token(claims: Claims = {}, secret = SECRET): Promise<string> {
  return new SignJWT(payload(claims)).setProtectedHeader({ alg: 'HS256' }).sign(bytes(secret))
}

export function payload({ exp = 3600, ...claims }: Claims): Record<string, unknown> {
  const all = { '*': ['subscribe', 'publish', 'presence', 'history', 'manage'] }
  return { sub: 'ada', iat: now(), ...(exp !== null && { exp: now() + exp }), rooms: all, ...claims }
}

/** A JWT of any parts, signed by nobody who checks them. */
export const unsigned = (header: object, claims: object, signature = ''): string =>
  [...[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), signature].join('.')

export const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` })

/** A pair of keys, the public one in the forms that settings take. */
export async function keys(alg: 'RS256' | 'PS256' | 'ES256' | 'EdDSA') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    pem: await exportSPKI(publicKey),
    jwk: { ...(await exportJWK(publicKey)), alg },
    sign: (claims: Claims = {}, header: object = {}) =>
      new SignJWT(payload(claims)).setProtectedHeader({ alg, ...header }).sign(privateKey),
  }
}
