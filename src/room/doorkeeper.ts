import { may, type Pass, within } from '../protocol/capabilities.ts'
import { CLOSE } from '../protocol/codes.ts'
import type { Birth, Change, Connection, Hello, Kept, Revocation, RevokedKind, SessionRow } from './ports.ts'

/** Why one is not let in, or is let in no longer. */
export interface Dismissal {
  readonly code: number
  readonly reason: string
}

interface Identity {
  readonly session?: string | undefined
  readonly user?: string | undefined
  readonly pass?: Pass | undefined
}

/** Rows of passes, which a room full of pollers would otherwise have for ever. */
const KEPT_MOST = 10_000
/** How often those that are over are looked for (ms). */
const FORGET = 60_000

/**
 * Who may be in the room and for how long: the tokens' ends, what was revoked, how many there are. It remembers in rows
 * of its own beside those of sessions, under ids that no session has.
 */
export class Doorkeeper {
  readonly #limits: Birth['limits']
  readonly #connections = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()
  readonly #kept = new Map<string, Kept>()
  /** When the next token ends (ms). May be early, since who leaves is not looked for; never late. */
  #nextEnd = Number.POSITIVE_INFINITY
  #forgetsAt = 0

  constructor({ sessions, limits }: Birth) {
    this.#limits = limits
    for (const { id, kept } of sessions) if (kept !== undefined) this.#kept.set(id, kept)
  }

  /** When it wants to be asked for those whose tokens have ended. */
  get nextEnd(): number | null {
    return Number.isFinite(this.#nextEnd) ? this.#nextEnd : null
  }

  /** What a connection comes with, if it shows its session's secret in place of a token. */
  resumed(hello: Hello, now: number): Hello | null {
    if (hello.onResume === undefined) return hello
    const known = this.#kept.get(passId(hello.session))
    if (known === undefined || !('pass' in known) || known.until <= now) return null
    const { user, pass } = known
    return { ...hello, pass, ...(user !== undefined && { user }) }
  }

  refusal(hello: Hello, now: number): Dismissal | undefined {
    const { session, user, address, presence } = hello
    const pass = within(hello.pass, hello.granted)
    if (this.isRevoked({ session, user, pass }, now)) return REVOKED
    if (pass !== undefined && pass.expiresAt <= now) return EXPIRED
    if (!may(pass, 'subscribe') || (presence !== undefined && !may(pass, 'presence'))) {
      return { code: CLOSE.forbidden, reason: 'forbidden' }
    }
    if (this.#connections.size >= (this.#limits.connections ?? Number.POSITIVE_INFINITY))
      return { code: CLOSE.rate, reason: 'room_full' }
    const there = address === undefined ? 0 : (this.#perAddress.get(address) ?? 0)
    if (there >= (this.#limits.perAddress ?? Number.POSITIVE_INFINITY))
      return { code: CLOSE.rate, reason: 'too many connections from this address' }
    return undefined
  }

  /**
   * Takes a connection in. What is to be written: a poll may come back with its session's secret alone, and then has its
   * `token`'s pass; what the backend grants, that is asked for anew.
   */
  enter(connection: Connection, token?: Pass): Change | undefined {
    const { kind, session, user, pass, address } = connection.attachment
    this.#connections.add(connection)
    if (address !== undefined) this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    // A poll is held for less than a minute: its gateway ends it in time.
    if (pass !== undefined && kind !== 'poll') this.#nextEnd = Math.min(this.#nextEnd, pass.expiresAt)
    if (token === undefined || kind !== 'poll') return undefined
    const id = passId(session)
    const known = this.#kept.get(id)
    if (known !== undefined && 'pass' in known && isSame(known.pass, token)) return undefined
    const drop = this.#forget(connection.attachment.since)
    const kept = { session, pass: token, until: token.expiresAt, ...(user !== undefined && { user }) }
    const isFull = known === undefined && this.#kept.size >= KEPT_MOST
    if (!isFull) this.#kept.set(id, kept)
    return isFull ? (drop.length > 0 ? { drop } : undefined) : { put: [{ id, kept }], drop }
  }

  /** What need not be remembered any more: looked for once a minute, or a crowd of pollers would have it cost its square. */
  #forget(now: number): string[] {
    if (now < this.#forgetsAt) return []
    this.#forgetsAt = now + FORGET
    const over = [...this.#kept].filter(([, { until }]) => until <= now).map(([id]) => id)
    for (const id of over) this.#kept.delete(id)
    return over
  }

  leave(connection: Connection): void {
    const { address } = connection.attachment
    if (!this.#connections.delete(connection) || address === undefined) return
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
  }

  /** Its token is another now. */
  renewed({ attachment: { pass } }: Connection): void {
    if (pass !== undefined) this.#nextEnd = Math.min(this.#nextEnd, pass.expiresAt)
  }

  /** Those whose tokens have ended. */
  ended(now: number): Connection[] {
    if (this.#nextEnd > now) return []
    const over: Connection[] = []
    this.#nextEnd = Number.POSITIVE_INFINITY
    for (const connection of this.#connections) {
      const { pass, kind } = connection.attachment
      if (pass === undefined || kind === 'poll') continue
      if (pass.expiresAt <= now) over.push(connection)
      else this.#nextEnd = Math.min(this.#nextEnd, pass.expiresAt)
    }
    return over
  }

  isRevoked({ session, user, pass }: Identity, now: number): boolean {
    const stands = (kind: RevokedKind, name: string | undefined): boolean => {
      const kept = name === undefined ? undefined : this.#kept.get(revokedId(kind, name))
      if (kept === undefined || !('revoked' in kept) || kept.until <= now) return false
      // Who was sent away may come with a token that was made for them since.
      return kind === 'token' || pass === undefined || pass.issuedAt <= kept.at
    }
    return stands('user', user) || stands('session', session) || stands('token', pass?.tokenId)
  }

  /** From now on they are not let in; those who are here, to be sent away, and what is to be written. */
  revoke(revocations: readonly Revocation[], now: number): { change: Change; dismissed: Connection[] } {
    const put = revocations.map(({ kind, name, until }): SessionRow & { kept: Kept } => {
      return { id: revokedId(kind, name), kept: { revoked: kind, name, at: now, until } }
    })
    for (const { id, kept } of put) this.#kept.set(id, kept)
    const drop = [...this.#kept].filter(([, { until }]) => until <= now).map(([id]) => id)
    for (const id of drop) this.#kept.delete(id)
    const dismissed = [...this.#connections].filter(({ attachment }) => this.isRevoked(attachment, now))
    return { change: { put, drop }, dismissed }
  }
}

export const REVOKED: Dismissal = { code: CLOSE.revoked, reason: 'revoked' }
export const EXPIRED: Dismissal = { code: CLOSE.token_expired, reason: 'token_expired' }
export const UNKNOWN: Dismissal = { code: CLOSE.unauthorized, reason: 'unauthorized' }

const isSame = (a: Pass, b: Pass): boolean =>
  a.expiresAt === b.expiresAt && a.issuedAt === b.issuedAt && a.tokenId === b.tokenId && `${a.grants}` === `${b.grants}`

const passId = (session: string): string => `!pass ${session}`
const revokedId = (kind: RevokedKind, name: string): string => `!${kind} ${name}`
