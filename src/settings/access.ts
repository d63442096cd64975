import { type GateOptions, KEY_LEAST, modeOf, openOn, SECRET_LEAST, UNCONFIGURED } from '../auth/gate.ts'
import { ALGORITHMS, PUBLIC, verifies, WRONG_PUBLIC_KEY } from '../auth/tokens.ts'
import { choice, kind, list, long, oneOf, text, url, whole } from './kinds.ts'
import type { Family, Values } from './setting.ts'

const LOCAL = ['localhost', '127.0.0.1', '[::1]']

/** Who may enter. */
export const access = {
  apiKeys: {
    name: 'HOLDLINE_API_KEYS',
    kind: list(long(KEY_LEAST, 'a key')),
    secret: true,
    unset: 'none',
    about: 'Keys for backends. Who has one may do everything. Several at once, so that one can replace another.',
  },
  secret: {
    name: 'HOLDLINE_JWT_SECRET',
    kind: long(SECRET_LEAST, 'a text'),
    secret: true,
    unset: 'none',
    about: 'The secret of HS256 tokens, which your backend signs for its users.',
  },
  publicKey: {
    name: 'HOLDLINE_JWT_PUBLIC_KEY',
    kind: kind('a public key, as SPKI PEM or as JWK', publicKey),
    // Not to be shown: a private key is soon pasted here.
    secret: true,
    unset: 'none',
    about: 'The public key of tokens that are signed with a private one. Line breaks of a PEM may be written as `\\n`.',
  },
  jwksUrl: {
    name: 'HOLDLINE_JWT_JWKS_URL',
    kind: url(
      'an https URL; http only on this machine',
      ({ protocol, hostname }) => protocol === 'https:' || (protocol === 'http:' && LOCAL.includes(hostname)),
    ),
    unset: 'none',
    about:
      'Where public keys are fetched: kept for 10 minutes, fetched anew when a token names a new one, at most every 6 seconds.',
  },
  algorithms: {
    name: 'HOLDLINE_JWT_ALGORITHMS',
    // An HMAC among them would let the public key be taken for a secret.
    kind: list(oneOf(ALGORITHMS)),
    default: PUBLIC.join(','),
    about: 'What tokens by public key may be signed with. The token has no say in it.',
  },
  audience: {
    name: 'HOLDLINE_JWT_AUDIENCE',
    kind: list(text('a text')),
    unset: 'not checked',
    about: 'What `aud` of a token must be: one of these.',
  },
  issuer: {
    name: 'HOLDLINE_JWT_ISSUER',
    kind: list(text('a text')),
    unset: 'not checked',
    about: 'What `iss` of a token must be: one of these.',
  },
  lifetime: {
    name: 'HOLDLINE_TOKEN_LIFETIME',
    kind: whole(1, 999_999_999),
    unit: 'seconds',
    default: '86400',
    about: 'The most that a token may live, from `iat` to `exp`. As long a revocation is remembered.',
  },
  origins: {
    name: 'HOLDLINE_ORIGINS',
    kind: list(
      kind('origins such as https://app.example.com or https://*.example.com, without a path', (value) =>
        /^(\*|null|[a-z][a-z0-9+.-]*:\/\/(\*\.)?[^\s/*?#]+)$/i.test(value) ? value : undefined,
      ),
    ),
    unset: 'all; while it is open to this machine alone, its own',
    about: 'Where browsers may come from. A page from elsewhere is refused, over WebSocket too.',
  },
  open: {
    name: 'HOLDLINE_OPEN',
    kind: choice({ 0: 'nobody', 1: 'everyone', loopback: 'loopback' }),
    unset: '`loopback` on Node if it listens on loopback, else `0`',
    about:
      'Who comes in while no key is set: `1` everyone, `loopback` whoever comes from this machine, `0` nobody. With `0` and no key the gateway does not serve.',
  },
} satisfies Family

/** PEM or JWK; whether it fits an algorithm is known when it is imported. */
function publicKey(value: string): string | undefined {
  if (/^\s*-----BEGIN PUBLIC KEY-----/.test(value)) return value
  try {
    const { kty, d, k } = JSON.parse(value)
    return typeof kty === 'string' && d === undefined && k === undefined ? value : undefined
  } catch {
    return undefined
  }
}

/** What is wrong with them together. `host`: where it listens, if that is for us to say. */
export function accessProblems(options: GateOptions, host?: string): readonly string[] {
  return modeOf(host === undefined ? options : openOn(host, options)) === undefined ? [UNCONFIGURED] : []
}

/** What is known of the public key only when it is imported. */
export async function keyProblems({ publicKey, algorithms }: Partial<Values<typeof access>>): Promise<string[]> {
  if (publicKey === undefined || algorithms === undefined) return []
  return (await verifies(publicKey, algorithms)) ? [] : [WRONG_PUBLIC_KEY]
}
