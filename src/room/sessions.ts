import type { SessionRow } from './ports.ts'

/** One participant of the room, as applications see it. */
export interface Session {
  /** What others see as `from`. */
  readonly id: string
  readonly user?: string
}

interface Held extends Session {
  connections: number
}

/** Who takes part in a room. A session outlives the last of its connections by the grace, so that a reconnect is no leave and join. */
export class Sessions {
  readonly #grace: number
  readonly #held = new Map<string, Held>()
  /** When those without a connection end. All have the same grace, so the map's order is that of their ends. */
  readonly #ends = new Map<string, number>()

  constructor(rows: readonly SessionRow[], grace: number, now: number) {
    this.#grace = grace
    for (const row of rows) {
      this.#held.set(row.id, { ...row, connections: 0 })
      this.#ends.set(row.id, now + grace)
    }
  }

  get size(): number {
    return this.#held.size
  }

  get(id: string): Session | undefined {
    return this.#held.get(id)
  }

  /** Counts a connection in; false: the session belongs to another user. */
  attach({ id, user }: Session): { session: Session; isNew: boolean } | false {
    const known = this.#held.get(id)
    if (known === undefined) {
      const session = { id, ...(user !== undefined && { user }), connections: 1 }
      this.#held.set(id, session)
      return { session, isNew: true }
    }
    if (known.user !== user) return false
    known.connections++
    this.#ends.delete(id)
    return { session: known, isNew: false }
  }

  detach(id: string, now: number): void {
    const session = this.#held.get(id)
    if (session === undefined || --session.connections > 0) return
    this.#ends.set(id, now + this.#grace)
  }

  /** Takes out the sessions whose grace is over. */
  expire(now: number): Session[] {
    const over: Session[] = []
    for (const [id, end] of this.#ends) {
      if (end > now) break
      over.push(this.#held.get(id) as Held)
      this.#ends.delete(id)
      this.#held.delete(id)
    }
    return over
  }

  /** When the next one ends (ms), or null. */
  nextEnd(): number | null {
    return this.#ends.values().next().value ?? null
  }
}
