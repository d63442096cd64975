import type { Capability, Identity, Pass } from '../protocol/capabilities.ts'
import { Refusal } from '../protocol/errors.ts'
import { capabilitiesIn, type Grants } from './grants.ts'
import { ApiKeys } from './keys.ts'
import { type TokenOptions, Tokens, type Verified } from './tokens.ts'

export interface GateOptions extends TokenOptions {
  readonly apiKeys?: readonly string[]
  /** Where browsers may come from, such as `https://app.example.com`, `https://*.example.com` or `*`. */
  readonly origins?: readonly string[]
  /** Without keys: let in whoever comes, or whoever comes from this machine. Default: nobody. */
  readonly open?: 'everyone' | 'loopback' | 'nobody'
}

/** `locked`: keys are configured. */
export type Mode = 'locked' | 'everyone' | 'loopback'

/** Said by whichever runtime will not serve so. */
export const UNCONFIGURED =
  'Nobody could be told from anybody: set HOLDLINE_API_KEYS, and HOLDLINE_JWT_SECRET, HOLDLINE_JWT_PUBLIC_KEY or HOLDLINE_JWT_JWKS_URL; or HOLDLINE_OPEN=1 to let everyone in'

export const SECRET_LEAST = 32
export const KEY_LEAST = 16
const LOOPBACK_HOST = /^(127(\.\d+){3}|::1|localhost)$/
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i
const BEARER = /^Bearer +([^\s]+) *$/i

/** Whom it lets in; undefined: nobody could be told from anybody, and it must not serve. */
export function modeOf({ apiKeys = [], secret, publicKey, jwksUrl, open = 'nobody' }: GateOptions): Mode | undefined {
  if (apiKeys.length > 0 || (secret ?? publicKey ?? jwksUrl) !== undefined) return 'locked'
  return open === 'nobody' ? undefined : open
}

/**
 * Where only this machine can reach it, it is open unless it was said otherwise. Elsewhere it cannot be open to this
 * machine alone: by what name it was reached, anybody can claim.
 */
export function openOn(host: string, options: GateOptions): GateOptions {
  if (LOOPBACK_HOST.test(host)) return options.open === undefined ? { ...options, open: 'loopback' } : options
  return options.open === 'loopback' ? { ...options, open: 'nobody' } : options
}

/** Who may enter: tells from a request who sent it, or refuses it. The same on each runtime. */
export class Gate {
  readonly mode: Mode
  readonly #keys: ApiKeys
  readonly #tokens: Tokens
  readonly #origins: readonly string[] | undefined
  readonly #admitsAll: boolean

  /** @throws Error that says what is wrong, if it cannot serve so */
  constructor(options: GateOptions) {
    const { apiKeys = [], secret, origins } = options
    const mode = modeOf(options)
    if (mode === undefined) throw new Error(UNCONFIGURED)
    // Also those that no setting was read for: what is short is guessed.
    if (secret !== undefined && secret.length < SECRET_LEAST) {
      throw new RangeError(`The secret of tokens must have ${SECRET_LEAST} characters at least`)
    }
    if (apiKeys.some((key) => key.length < KEY_LEAST)) {
      throw new RangeError(`An API key must have ${KEY_LEAST} characters at least`)
    }
    this.#keys = new ApiKeys(apiKeys)
    this.#tokens = new Tokens(options)
    this.#origins = origins
    this.mode = mode
    this.#admitsAll = origins === undefined ? mode !== 'loopback' : origins.includes('*')
  }

  /** Fails if a key is configured that can verify nothing, with an Error that names the setting. */
  ready(): Promise<void> {
    return this.#tokens.ready()
  }

  /** Seconds that a revocation must stand. */
  get lifetime(): number {
    return this.#tokens.lifetime
  }

  /** May a page of this origin use the gateway (ORIGIN-1)? */
  allows(origin: string): boolean {
    if (this.#origins !== undefined) return this.#origins.some((pattern) => isOrigin(pattern, origin))
    return this.mode !== 'loopback' || LOOPBACK.test(/^https?:\/\/(.*)$/.exec(origin)?.[1] ?? '')
  }

  /** Where a request comes from and goes to, whoever sent it. @throws Refusal `host`, `origin` */
  checkSource(headers: Headers): void {
    if (this.mode === 'loopback' && !LOOPBACK.test(headers.get('host') ?? '')) {
      throw new Refusal('host', 'While it is open, the gateway is localhost, 127.0.0.1 or [::1] and nothing else')
    }
    const origin = headers.get('origin')
    if (origin === null ? !this.#admitsAll && isEmbedded(headers) : !this.allows(origin)) {
      throw new Refusal('origin', 'This origin may not use the gateway; HOLDLINE_ORIGINS names those that may')
    }
  }

  /**
   * Who sent a request; `token`: from its query. `isPoll`: the secret of a session may take the place of a token (AUTH-7).
   * @throws Refusal `unauthorized`, `token_expired`, `keys`
   */
  async admit(headers: Headers, token: string | undefined, isPoll: boolean): Promise<Bearer> {
    if (this.mode !== 'locked') return EVERYONE
    const header = headers.get('authorization')
    const authorization = header === null ? undefined : BEARER.exec(header)?.[1]
    if (header !== null && authorization === undefined) {
      throw new Refusal('unauthorized', 'Send `Authorization: Bearer` with a token or an API key')
    }
    if (authorization !== undefined && this.#keys.includes(authorization)) return BACKEND
    const found = authorization ?? offeredToken(headers) ?? token
    if (found !== undefined) return new Bearer(await this.#tokens.verify(found))
    if (isPoll) return SESSION
    throw new Refusal(
      'unauthorized',
      'Send a token: as `Authorization: Bearer`, `?token=` or a subprotocol; over TCP as `token`',
    )
  }

  /** What a token that comes in-band lets its bearer do. @throws Refusal as `admit` does */
  async verify(token: string): Promise<Bearer> {
    return this.mode === 'locked' ? new Bearer(await this.#tokens.verify(token)) : EVERYONE
  }
}

/** Who sent a request, and so what may be done for it. */
export class Bearer {
  readonly user: string | undefined
  /** When what it shows must be verified anew (ms). */
  readonly until: number
  readonly #grants: Grants | undefined
  readonly #shows: 'token' | 'key' | 'session' | 'nothing'

  constructor(shows: Verified | 'key' | 'session' | 'nothing') {
    const verified = typeof shows === 'string' ? undefined : shows
    this.#grants = verified?.grants
    this.#shows = typeof shows === 'string' ? shows : 'token'
    this.user = this.#grants?.user
    this.until = verified?.until ?? Number.POSITIVE_INFINITY
  }

  /** It shows nothing but a session's secret. */
  get isSession(): boolean {
    return this.#shows === 'session'
  }

  /** It shows an API key. */
  get isBackend(): boolean {
    return this.#shows === 'key'
  }

  /** So may, while the gateway is open, who shows nothing. */
  get mayAll(): boolean {
    return this.#shows === 'key' || this.#shows === 'nothing'
  }

  /** As whom it is known in all rooms. */
  get identity(): Identity {
    return { user: this.user, pass: this.#grants && toPass(this.#grants, []) }
  }

  /** What it may do in a room, for the room to go by; undefined: everything. */
  pass(room: string): Pass | undefined {
    return this.#grants && toPass(this.#grants, capabilitiesIn(this.#grants, room))
  }

  may(room: string, capability: Capability): boolean {
    if (this.mayAll) return true
    return this.#grants !== undefined && capabilitiesIn(this.#grants, room).includes(capability)
  }

  /** May it manage any room at all? */
  get manages(): boolean {
    return this.mayAll || (this.#grants?.rooms.some(([, capabilities]) => capabilities.includes('manage')) ?? false)
  }

  /** @throws Refusal `forbidden` */
  demand(room: string, capability: Capability): void {
    if (this.may(room, capability)) return
    throw new Refusal('forbidden', `The token does not grant \`${capability}\` in this room`)
  }
}

const toPass = ({ issuedAt, expiresAt, tokenId }: Grants, grants: Pass['grants']): Pass => ({
  grants,
  issuedAt,
  expiresAt,
  ...(tokenId !== undefined && { tokenId }),
})

const EVERYONE = new Bearer('nothing')
const BACKEND = new Bearer('key')
const SESSION = new Bearer('session')

/** Browsers cannot set headers on a WebSocket, but name subprotocols (AUTH-2). */
function offeredToken(headers: Headers): string | undefined {
  const offered = headers.get('sec-websocket-protocol')?.split(',') ?? []
  const found = offered.map((name) => name.trim()).find((name) => name.startsWith(TOKEN_PROTOCOL))
  return found?.slice(TOKEN_PROTOCOL.length)
}

const TOKEN_PROTOCOL = 'holdline.token.'

/**
 * Images, scripts and frames are fetched without an origin, cookies and all, and a poll may have a session be present:
 * whence they come, browsers say apart. A link may be followed from anywhere (https://web.dev/articles/fetch-metadata, 2026-11).
 */
const isEmbedded = (headers: Headers): boolean =>
  headers.get('sec-fetch-site') === 'cross-site' && headers.get('sec-fetch-dest') !== 'document'

function isOrigin(pattern: string, origin: string): boolean {
  if (pattern === '*') return true
  const [scheme, host, more] = pattern.toLowerCase().split('//*.')
  const asked = origin.toLowerCase()
  if (host === undefined || more !== undefined) return asked === pattern.toLowerCase()
  return asked.startsWith(`${scheme}//`) && asked.endsWith(`.${host}`)
}
