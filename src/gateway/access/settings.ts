import type { GateOptions } from '../../auth/gate.ts'

type Variables = Readonly<Record<string, unknown>>

/** Settings of the gate, by the same names on each runtime. @throws Error that names the setting and what it must be */
export function gateOptions(variables: Variables): GateOptions {
  const one = (name: string): string | undefined => {
    const value = variables[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const many = (name: string): string[] | undefined =>
    one(name)
      ?.split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
  const lifetime = one('HOLDLINE_TOKEN_LIFETIME')
  if (lifetime !== undefined && !/^[1-9]\d{0,8}$/.test(lifetime)) {
    throw new Error(`HOLDLINE_TOKEN_LIFETIME must be a whole number of seconds, not "${lifetime}"`)
  }
  const open = one('HOLDLINE_OPEN')
  if (open !== undefined && !['0', '1', 'loopback'].includes(open)) {
    throw new Error(`HOLDLINE_OPEN must be 0, 1 or loopback, not "${open}"`)
  }
  return defined({
    apiKeys: many('HOLDLINE_API_KEYS'),
    secret: one('HOLDLINE_JWT_SECRET'),
    publicKey: one('HOLDLINE_JWT_PUBLIC_KEY'),
    jwksUrl: jwksUrl(one('HOLDLINE_JWT_JWKS_URL')),
    algorithms: algorithms(many('HOLDLINE_JWT_ALGORITHMS')),
    audience: many('HOLDLINE_JWT_AUDIENCE'),
    issuer: many('HOLDLINE_JWT_ISSUER'),
    lifetime: lifetime === undefined ? undefined : Number(lifetime),
    origins: many('HOLDLINE_ORIGINS'),
    open: open === '1' ? 'everyone' : open === 'loopback' ? 'loopback' : undefined,
  })
}

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

function algorithms(names: string[] | undefined): string[] | undefined {
  const wrong = names?.find((name) => !ALGORITHMS.includes(name))
  if (wrong === undefined) return names
  // An HMAC among them would let the public key be taken for a secret.
  throw new Error(`HOLDLINE_JWT_ALGORITHMS must be of ${ALGORITHMS.join(', ')}, not "${wrong}"`)
}

function jwksUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const isLocal = url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url?.protocol === 'https:' || isLocal) return text
  throw new Error('HOLDLINE_JWT_JWKS_URL must be an https URL (http only on this machine)')
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

const defined = <T extends object>(options: T): Defined<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>
