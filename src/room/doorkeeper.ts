import { type Identity, may, type Pass, within } from '../protocol/capabilities.ts'
import { CLOSE } from '../protocol/codes.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Fanout } from './fanout.ts'
import type { Participants } from './participants.ts'
import { Passes } from './passes.ts'
import type {
  Attachment,
  Birth,
  Change,
  Connection,
  Hello,
  Kept,
  Outcome,
  Revocation,
  RevokedKind,
  Verdict,
} from './ports.ts'

/** Why one is not let in, or is let in no longer. */
export interface Dismissal {
  readonly code: number
  readonly reason: string
}

/** Why nothing is done for somebody. */
export interface Denial {
  readonly error: ErrorCode
  readonly message: string
}

type Revoked = Extract<Kept, { readonly revoked: RevokedKind }>

/** What it asks of the room. */
interface Around {
  readonly participants: Pick<Participants, 'isOthers'>
  readonly fanout: Pick<Fanout, 'connections'>
}

/**
 * Who may be in the room and for how long: the tokens' ends, what was revoked, how many there are. It remembers in rows
 * of its own beside those of sessions, under ids that no session has.
 */
export class Doorkeeper {
  readonly #limits: Birth['limits']
  #count = 0
  readonly #perAddress = new Map<string, number>()
  readonly #passes: Passes
  readonly #revoked = new Map<string, Revoked>()
  readonly #isRevokedElsewhere: (by: Identity) => boolean
  readonly #around: () => Around
  /** When the next token ends (ms). May be early, since who leaves is not looked for; never late. */
  #nextEnd = Number.POSITIVE_INFINITY

  /** `around`: of the room that it is of, as soon as that is there. */
  constructor({ sessions, limits, isRevoked = () => false }: Birth, around: () => Around) {
    this.#around = around
    this.#limits = limits
    this.#isRevokedElsewhere = isRevoked
    this.#passes = new Passes(sessions)
    for (const { id, kept } of sessions) if (kept !== undefined && 'revoked' in kept) this.#revoked.set(id, kept)
  }

  /** When it wants to be asked for those whose tokens have ended. */
  get nextEnd(): number | null {
    return Number.isFinite(this.#nextEnd) ? this.#nextEnd : null
  }

  /** What a connection comes with, if it shows its session's secret in place of a token. */
  resumed(hello: Hello, now: number): Hello | null {
    if (hello.onResume === undefined) return hello
    const known = this.#passes.find(hello.session, now)
    if (known === undefined) return null
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
    if (this.#count >= (this.#limits.connections ?? Number.POSITIVE_INFINITY))
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
    const { kind, session, user, address, since } = connection.attachment
    this.#count++
    if (address !== undefined) this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    this.#nextEnd = Math.min(this.#nextEnd, endOf(connection.attachment))
    if (token === undefined || kind !== 'poll') return undefined
    return this.#passes.keep(session, user, token, since)
  }

  leave(connection: Connection): void {
    const { address } = connection.attachment
    this.#count--
    // With nobody in it the room is kept awake for none of them.
    if (this.#count === 0) this.#nextEnd = Number.POSITIVE_INFINITY
    if (address === undefined) return
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
  }

  /** Its token is another from now on, or why it is not. */
  renew(connection: Connection, verdict: Verdict, now: number): Outcome {
    if (verdict.error !== undefined) return verdict
    const { attachment } = connection
    const { user } = verdict
    const pass = within(verdict.pass, attachment.granted)
    if (user !== attachment.user) return { error: 'forbidden', message: 'The token is for another user' }
    if (!may(pass, 'subscribe')) return { error: 'forbidden', message: 'The token does not let into this room' }
    if (this.isRevoked({ ...attachment, pass }, now)) return { error: 'revoked', message: 'The token was revoked' }
    if (pass !== undefined) {
      connection.attach({ ...attachment, pass })
      this.#nextEnd = Math.min(this.#nextEnd, pass.expiresAt)
    }
    return {}
  }

  /** Those whose tokens have ended. */
  ended(now: number): Connection[] {
    if (this.#nextEnd > now) return []
    const over: Connection[] = []
    this.#nextEnd = Number.POSITIVE_INFINITY
    for (const connection of this.#around().fanout.connections()) {
      const end = endOf(connection.attachment)
      if (end <= now) over.push(connection)
      else this.#nextEnd = Math.min(this.#nextEnd, end)
    }
    return over
  }

  /** Why not to do what is asked in that name: it was revoked, or the session is another user's (SES-2). */
  notFor(by: Omit<Identity, 'session'>, session: string | undefined, now: number): Denial | undefined {
    const { user, pass } = by
    if (this.isRevoked({ user, pass, session }, now)) {
      return { error: 'revoked', message: 'The token or the session was revoked' }
    }
    const isOthers = session !== undefined && pass !== undefined && this.#around().participants.isOthers(session, user)
    return isOthers ? { error: 'forbidden', message: 'This session belongs to another user' } : undefined
  }

  isRevoked(by: Identity, now: number): boolean {
    return (this.#revoked.size > 0 && this.#isRevokedHere(by, now)) || this.#isRevokedElsewhere(by)
  }

  #isRevokedHere({ session, user, pass }: Identity, now: number): boolean {
    const stands = (kind: RevokedKind, name: string | undefined): boolean => {
      const kept = name === undefined ? undefined : this.#revoked.get(revokedId(kind, name))
      if (kept === undefined || kept.until <= now) return false
      // Who was sent away may come with a token that was made for them since.
      return kind === 'token' || pass === undefined || pass.issuedAt <= kept.at
    }
    return stands('user', user) || stands('session', session) || stands('token', pass?.tokenId)
  }

  /** From now on they are not let in; those who are here, to be sent away, and what is to be written. */
  revoke(revocations: readonly Revocation[], now: number): { change?: Change; dismissed: Connection[] } {
    const drop = [...this.#revoked].filter(([, { until }]) => until <= now).map(([id]) => id)
    for (const id of drop) this.#revoked.delete(id)
    const put = revocations.map(({ kind, name, until }) => {
      return { id: revokedId(kind, name), kept: { revoked: kind, name, at: now, until } }
    })
    for (const { id, kept } of put) this.#revoked.set(id, kept)
    const dismissed = this.#around()
      .fanout.connections()
      .filter(({ attachment }) => this.isRevoked(attachment, now))
    return { ...(put.length + drop.length > 0 && { change: { put, drop } }), dismissed }
  }
}

/** When its token ends it (ms). A poll that is over before is ended by nothing: on the edge each alarm costs a write. */
function endOf({ kind, pass, since }: Attachment): number {
  const end = pass?.expiresAt ?? Number.POSITIVE_INFINITY
  return kind === 'poll' && end > since + LIMITS.waitMost * 1000 ? Number.POSITIVE_INFINITY : end
}

export const REVOKED: Dismissal = { code: CLOSE.revoked, reason: 'revoked' }
export const EXPIRED: Dismissal = { code: CLOSE.token_expired, reason: 'token_expired' }
export const UNKNOWN: Dismissal = { code: CLOSE.unauthorized, reason: 'unauthorized' }

const revokedId = (kind: RevokedKind, name: string): string => `!${kind} ${name}`
