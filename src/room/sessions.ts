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

/** A session as the room holds it. */
export interface Held {
  readonly session: Session
  /** Oldest first. */
  readonly connections: Set<Connection>
  /** Set while it is present: JSON of its state. */
  presence?: SessionRow['presence']
  /** Its row says when it ends. */
  endIsStored: boolean
}

/** Who takes part in a room. A session outlives the last of its connections by the grace, so that a reconnect is no leave and join. */
export class Sessions {
  readonly #grace: number
  readonly #held = new Map<string, Held>()
  /** When those without a connection end, the next first: all have the same grace. */
  readonly #ends = new Map<string, number>()
  /** Those of them whose rows do not say so yet: looking for them among all would cost each close all who left before. */
  readonly #newlyEnding = new Set<string>()

  /** Rows as they were stored; their connections are attached after. Those that have none then end in due time. */
  constructor(rows: readonly SessionRow[], grace: number, now: number) {
    this.#grace = grace
    // Never later than if it had just been left: the clock may have been set back since it was written.
    const ends = rows.map(({ id, endsAt = now + grace }) => [id, Math.min(endsAt, now + grace)] as const)
    for (const [id, end] of ends.sort(([, a], [, b]) => a - b)) this.#ends.set(id, end)
    for (const { id, user, endsAt, presence } of rows) {
      const session = { id, ...(user !== undefined && { user }) }
      const held: Held = { session, connections: new Set(), endIsStored: endsAt !== undefined }
      this.#held.set(id, presence === undefined ? held : { ...held, presence })
      if (endsAt === undefined) this.#newlyEnding.add(id)
    }
  }

  get size(): number {
    return this.#held.size
  }

  get(id: string): Held | undefined {
    return this.#held.get(id)
  }

  values(): Iterable<Held> {
    return this.#held.values()
  }

  /** Counts a connection in. `stale`: its row says that it ends. False: the session belongs to another user. */
  attach(connection: Connection, session: Session): { held: Held; isNew: boolean; stale: boolean } | false {
    const known = this.#held.get(session.id)
    if (known === undefined) {
      const held: Held = { session, connections: new Set([connection]), endIsStored: false }
      this.#held.set(session.id, held)
      return { held, isNew: true, stale: false }
    }
    if (known.session.user !== session.user) return false
    const stale = known.endIsStored
    known.connections.add(connection)
    known.endIsStored = false
    this.#ends.delete(session.id)
    this.#newlyEnding.delete(session.id)
    return { held: known, isNew: false, stale }
  }

  /** Counts a connection out. True: it was the last. */
  detach(connection: Connection, id: string, now: number): boolean {
    const held = this.#held.get(id)
    if (held === undefined || !held.connections.delete(connection) || held.connections.size > 0) return false
    this.#ends.set(id, now + this.#grace)
    this.#newlyEnding.add(id)
    return true
  }

  /** Takes a session out, whatever it holds. */
  end(id: string): Held | undefined {
    const held = this.#held.get(id)
    this.#held.delete(id)
    this.#ends.delete(id)
    this.#newlyEnding.delete(id)
    return held
  }

  /** Takes out the sessions whose grace is over. */
  expire(now: number): Held[] {
    const over: Held[] = []
    for (const [id, end] of this.#ends) {
      if (end > now) break
      over.push(this.end(id) as Held)
    }
    return over
  }

  /** When a session without a connection ends (ms). */
  endOf(id: string): number | undefined {
    return this.#ends.get(id)
  }

  /** The sessions that end and whose rows do not say so; each is given once. */
  *newlyEnding(): Iterable<{ held: Held; endsAt: number }> {
    for (const id of this.#newlyEnding) {
      this.#newlyEnding.delete(id)
      yield { held: this.#held.get(id) as Held, endsAt: this.#ends.get(id) as number }
    }
  }

  /** The sessions that end, the next first. */
  *ending(): Iterable<{ held: Held; endsAt: number }> {
    for (const [id, endsAt] of this.#ends) yield { held: this.#held.get(id) as Held, endsAt }
  }
}

/** What is stored of a session; `endsAt` if its end is to be known after a sleep. */
export const rowOf = ({ session, presence }: Held, endsAt?: number): SessionRow => ({
  ...session,
  ...(presence !== undefined && { presence }),
  ...(endsAt !== undefined && { endsAt }),
})
