import type { CryptoKey, JWTVerifyGetKey } from 'jose'
// By its parts: of the whole, which signs and encrypts too, each start would load thirty files more.
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import * as errors from 'jose/errors'
import { jwtVerify } from 'jose/jwt/verify'
import { importJWK, importSPKI } from 'jose/key/import'
import { Refusal } from '../protocol/errors.ts'
import type { Tell } from '../protocol/journal.ts'
import { type Grants, toGrants } from './grants.ts'
import { remoteKeys } from './key-set.ts'
import { Recent } from './recent.ts'

export interface TokenOptions {
  /** For HS256: 32 bytes at least. */
  readonly secret?: string
  /** SPKI as PEM, or a JWK. */
  readonly publicKey?: string
  readonly jwksUrl?: string
  /** Of tokens by public key. Default: what the key is for, of RS256, ES256, EdDSA. */
  readonly algorithms?: readonly string[]
  readonly audience?: readonly string[]
  readonly issuer?: readonly string[]
  /** The most seconds between a token's `iat` and `exp`: as long a revocation must stand. Default 24 h. */
  readonly lifetime?: number
  /** Where it is told that keys cannot be fetched. */
  readonly tell?: Tell
}

/** What may verify a token of these algorithms. Configuration alone decides: a token only says which of them it wants. */
interface Source {
  readonly algorithms: readonly string[]
  key(algorithm: string): Uint8Array | JWTVerifyGetKey | Promise<CryptoKey | Uint8Array>
}

/** Seconds that clocks may differ. */
export const TOLERANCE = 5
const LENGTH_MOST = 8192
/**
 * How long a token that was verified counts as verified (ms): as long as a key that is withdrawn goes on to count. Who
 * polls sends the same one each time, and verifying costs more than all else of a poll (100 µs on Node 24, 2026-11).
 */
const VERIFIED = 30_000
/** Of tokens no longer than this: what is remembered is bounded. */
const REMEMBERED = 2048
/** What a token by public key may be signed with, and what it is unless it is set. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export const PUBLIC = ['RS256', 'ES256', 'EdDSA', 'Ed25519'] as const

/** What a token says, and until when it counts as verified (ms). */
export interface Verified {
  readonly grants: Grants
  readonly until: number
}

/** Turns a token's text into what its bearer may do. */
export class Tokens {
  readonly #sources: readonly Source[]
  readonly #publicKey: string | undefined
  readonly #algorithms: readonly string[]
  readonly #claims: { audience?: string[]; issuer?: string[] }
  readonly lifetime: number
  readonly #verified = new Recent<Verified>(4096)

  constructor(options: TokenOptions) {
    const { secret, publicKey, jwksUrl, algorithms = PUBLIC, audience, issuer, lifetime = 86_400, tell } = options
    const remote = jwksUrl === undefined ? undefined : remoteKeys(jwksUrl, tell)
    const shared = secret === undefined ? undefined : new TextEncoder().encode(secret)
    this.#sources = [
      ...(shared === undefined ? [] : [{ algorithms: ['HS256'], key: () => shared }]),
      ...(publicKey === undefined ? [] : [{ algorithms, key: memoize((alg) => importPublic(publicKey, alg)) }]),
      ...(remote === undefined ? [] : [{ algorithms, key: () => remote }]),
    ]
    this.#claims = { ...(audience && { audience: [...audience] }), ...(issuer && { issuer: [...issuer] }) }
    this.lifetime = lifetime
    this.#publicKey = publicKey
    this.#algorithms = algorithms
  }

  get any(): boolean {
    return this.#sources.length > 0
  }

  /** @throws Error if the public key is for none of the algorithms */
  async ready(): Promise<void> {
    if (this.#publicKey === undefined || (await verifies(this.#publicKey, this.#algorithms))) return
    throw new Error(WRONG_PUBLIC_KEY)
  }

  /** @throws Refusal `unauthorized`, `token_expired`, `keys` */
  async verify(token: string): Promise<Verified> {
    const known = this.#verified.get(token)
    if (known !== undefined && Date.now() < known.until) return known
    const grants = await this.#verify(token)
    const verified = { grants, until: Math.min(grants.expiresAt, Date.now() + VERIFIED) }
    if (token.length <= REMEMBERED) this.#verified.set(token, verified)
    return verified
  }

  async #verify(token: string): Promise<Grants> {
    if (token.length > LENGTH_MOST) throw new Refusal('unauthorized', `A token has ${LENGTH_MOST} characters at most`)
    try {
      const { alg = 'none' } = decodeProtectedHeader(token)
      const sources = this.#sources.filter(({ algorithms }) => algorithms.includes(alg))
      if (sources.length === 0)
        throw new Refusal('unauthorized', 'The token is signed by an algorithm that is not allowed')
      return await this.#verifyWith(sources, token, alg)
    } catch (error) {
      throw toRefusal(error)
    }
  }

  async #verifyWith(sources: readonly Source[], token: string, alg: string): Promise<Grants> {
    let failure: unknown
    for (const source of sources) {
      try {
        const key = (await source.key(alg)) as JWTVerifyGetKey
        const { payload } = await jwtVerify(token, key, {
          algorithms: [alg],
          clockTolerance: TOLERANCE,
          requiredClaims: ['exp', 'iat'],
          ...this.#claims,
        })
        return toGrants(payload, this.lifetime, TOLERANCE)
      } catch (error) {
        // Another key may have signed it; whatever else is wrong with it stays wrong.
        if (!(error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)) {
          throw error
        }
        failure = error
      }
    }
    throw failure
  }
}

export const WRONG_PUBLIC_KEY =
  'HOLDLINE_JWT_PUBLIC_KEY must be a public key, as SPKI PEM or as JWK, for one of HOLDLINE_JWT_ALGORITHMS'

/** Is there an algorithm that this public key is for? */
export async function verifies(publicKey: string, algorithms: readonly string[]): Promise<boolean> {
  const tried = await Promise.allSettled(algorithms.map((alg) => importPublic(publicKey, alg)))
  return tried.some(({ status }) => status === 'fulfilled')
}

/** What is wrong with a token, for who sent it: enough to mend it, and nothing of the token itself. */
function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof errors.JWTExpired) return new Refusal('token_expired', 'The token has expired; get a fresh one')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new Refusal('unauthorized', `The token is refused for its claim \`${error.claim}\``)
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return new Refusal('unauthorized', 'The token does not say by its `kid` which of the keys has signed it')
  }
  if (error instanceof errors.JWKSTimeout)
    return new Refusal('keys', 'The keys that tokens are checked with do not come')
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return new Refusal('unauthorized', 'The token is not signed by a key that is known here')
  }
  return new Refusal('unauthorized', 'The token is no JWT that can be read')
}

async function importPublic(text: string, alg: string): Promise<CryptoKey | Uint8Array> {
  try {
    const isPem = text.includes('-----BEGIN')
    return isPem ? await importSPKI(text.replaceAll('\\n', '\n'), alg) : await importJWK(JSON.parse(text), alg)
  } catch {
    // It is for another algorithm, or none at all: the operator was told at start.
    throw new Refusal('unauthorized', 'The token is signed by an algorithm that is not allowed')
  }
}

function memoize<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>()
  return (name) => {
    const known = made.get(name) ?? make(name)
    made.set(name, known)
    return known
  }
}
