import type { Connection, SessionRow } from './ports.ts'

/** One participant of the room, as applications see it. */
export interface Session {
  /** What others see as `from`. */
  readonly id: string
  readonly user?: string
}

/** Whose connection it is. */
export function sessionOf({ attachment: { session: id, user } }: Connection): Session {
  return { id, ...(user !== undefined && { user }) }
}

interface Held {
  readonly session: Session
  connections: number
  /** Its row says when it ends. */
  endIsStored: boolean
}

/** Who takes part in a room. A session outlives the last of its connections by the grace, so that a reconnect is no leave and join. */
export class Sessions {
  readonly #grace: number
  readonly #held = new Map<string, Held>()
  /** When those without a connection end, the next first: all have the same grace. */
  readonly #ends = new Map<string, number>()

  /** Rows as they were stored; their connections are attached after. Those that have none then end in due time. */
  constructor(rows: readonly SessionRow[], grace: number, now: number) {
    this.#grace = grace
    const ends = rows.map(({ id, endsAt }) => [id, endsAt ?? now + grace] as const)
    for (const [id, end] of ends.sort(([, a], [, b]) => a - b)) this.#ends.set(id, end)
    for (const { id, user, endsAt } of rows) {
      const session = { id, ...(user !== undefined && { user }) }
      this.#held.set(id, { session, connections: 0, endIsStored: endsAt !== undefined })
    }
  }

  get size(): number {
    return this.#held.size
  }

  /** Counts a connection in. `stale`: its row says that it ends. False: the session belongs to another user. */
  attach(session: Session): { session: Session; isNew: boolean; stale: boolean } | false {
    const known = this.#held.get(session.id)
    if (known === undefined) {
      this.#held.set(session.id, { session, connections: 1, endIsStored: false })
      return { session, isNew: true, stale: false }
    }
    if (known.session.user !== session.user) return false
    const stale = known.endIsStored
    known.connections++
    known.endIsStored = false
    this.#ends.delete(session.id)
    return { session: known.session, isNew: false, stale }
  }

  /** Counts a connection out. True: it was the last. */
  detach(id: string, now: number): boolean {
    const held = this.#held.get(id)
    if (held === undefined || --held.connections > 0) return false
    this.#ends.set(id, now + this.#grace)
    return true
  }

  /** Takes out the sessions whose grace is over. */
  expire(now: number): Session[] {
    const over: Session[] = []
    for (const [id, end] of this.#ends) {
      if (end > now) break
      over.push((this.#held.get(id) as Held).session)
      this.#ends.delete(id)
      this.#held.delete(id)
    }
    return over
  }

  /** The rows of sessions that end and whose rows do not say so yet; from now on they do. */
  unstoredEnds(): SessionRow[] {
    const rows: SessionRow[] = []
    for (const [id, endsAt] of this.#ends) {
      const held = this.#held.get(id) as Held
      if (!held.endIsStored) rows.push({ ...held.session, endsAt })
      held.endIsStored = true
    }
    return rows
  }

  /** When the next one ends (ms), or null. */
  nextEnd(): number | null {
    return this.#ends.values().next().value ?? null
  }
}
