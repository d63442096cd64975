import { bearerOf, type Pass } from '../protocol/capabilities.ts'
import type { Change, Kept, SessionRow } from './ports.ts'

type KeptPass = Extract<Kept, { readonly pass: Pass }>

/** Rows in all, which a room full of pollers would otherwise have for ever; and of one bearer, so that none takes all. */
const MOST = 10_000
const MOST_OF_ONE = 1000
/** How often those that are over are looked for (ms). */
const FORGET = 60_000

/**
 * What sessions may come back with between two tokens (AUTH-7): the passes that they last polled with. Those who are
 * forgotten because there are too many, the longest unused first, must send their tokens again.
 */
export class Passes {
  /** By row, the longest unused first. */
  readonly #kept = new Map<string, KeptPass>()
  /** Rows of each bearer, in the same order. */
  readonly #ofOne = new Map<string, Set<string>>()
  #forgetsAt = 0

  constructor(rows: readonly SessionRow[]) {
    for (const { id, kept } of rows) if (kept !== undefined && 'pass' in kept) this.#set(id, kept)
  }

  find(session: string, now: number): KeptPass | undefined {
    const id = passId(session)
    const known = this.#kept.get(id)
    if (known === undefined || known.until <= now) return undefined
    this.#set(id, known)
    return known
  }

  /** A session polls with that pass. What is to be written; undefined: nothing. */
  keep(session: string, user: string | undefined, pass: Pass, now: number): Change | undefined {
    const id = passId(session)
    const known = this.#kept.get(id)
    const kept = { session, pass, until: pass.expiresAt, ...(user !== undefined && { user }) }
    if (known !== undefined && known.user === user && isSame(known.pass, pass)) {
      this.#set(id, known)
      return undefined
    }
    this.#set(id, kept)
    return { put: [{ id, kept }], drop: [...this.#forget(now), ...this.#beyond(bearerOf(user, pass))] }
  }

  #set(id: string, kept: KeptPass): void {
    this.#delete(id)
    const bearer = bearerOf(kept.user, kept.pass)
    const rows = this.#ofOne.get(bearer) ?? new Set()
    this.#kept.set(id, kept)
    this.#ofOne.set(bearer, rows.add(id))
  }

  #delete(id: string): void {
    const known = this.#kept.get(id)
    if (known === undefined) return
    const bearer = bearerOf(known.user, known.pass)
    const rows = this.#ofOne.get(bearer)
    this.#kept.delete(id)
    rows?.delete(id)
    if (rows?.size === 0) this.#ofOne.delete(bearer)
  }

  /** The longest unused that are too many, if one has come. */
  #beyond(bearer: string): string[] {
    const own = this.#ofOne.get(bearer) ?? new Set()
    const over = own.size > MOST_OF_ONE ? first(own) : this.#kept.size > MOST ? first(this.#kept.keys()) : []
    for (const id of over) this.#delete(id)
    return over
  }

  /** Those that are over: looked for once a minute, or a crowd of pollers would have it cost its square. */
  #forget(now: number): string[] {
    if (now < this.#forgetsAt) return []
    this.#forgetsAt = now + FORGET
    const over = [...this.#kept].filter(([, { until }]) => until <= now).map(([id]) => id)
    for (const id of over) this.#delete(id)
    return over
  }
}

const passId = (session: string): string => `!pass ${session}`

function first(ids: Iterable<string>): string[] {
  for (const id of ids) return [id]
  return []
}

const isSame = (a: Pass, b: Pass): boolean =>
  a.expiresAt === b.expiresAt &&
  a.issuedAt === b.issuedAt &&
  a.tokenId === b.tokenId &&
  (a.grants === b.grants || `${a.grants}` === `${b.grants}`)
