import { Chain, Link } from './chain.ts'
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
export class Held {
  readonly session: Session
  /** Oldest first. */
  readonly connections: Connection[] = []
  /** Set while it is present: JSON of its state. */
  presence?: SessionRow['presence']
  /** When it ends, while it has no connection (ms). */
  endsAt: number | undefined
  /** Its row says when it ends. */
  endIsStored = false
  /** That it ends has been asked for by nobody yet. */
  endIsNews = false
  /** Its place among those that end. */
  readonly end = new Link<Held>(this)

  constructor(session: Session) {
    this.session = session
  }
}

/** Who takes part in a room. A session outlives the last of its connections by the grace, so that a reconnect is no leave and join. */
export class Sessions {
  readonly #grace: number
  readonly #held = new Map<string, Held>()
  /** Those without a connection, the next to end first: all have the same grace. */
  readonly #ending = new Chain<Held>()

  /** Rows as they were stored; their connections are attached after. Those that have none then end in due time. */
  constructor(rows: readonly SessionRow[], grace: number, now: number) {
    this.#grace = grace
    // Never later than if it had just been left: the clock may have been set back since it was written.
    const endOf = ({ endsAt = now + grace }: SessionRow): number => Math.min(endsAt, now + grace)
    for (const { id, user, endsAt, presence } of rows) {
      const held = new Held({ id, ...(user !== undefined && { user }) })
      held.endIsStored = endsAt !== undefined
      if (presence !== undefined) held.presence = presence
      this.#held.set(id, held)
    }
    const isNews = ({ endsAt }: SessionRow): boolean => endsAt === undefined
    // What is news stands behind all else.
    for (const row of rows.toSorted((a, b) => endOf(a) - endOf(b) || Number(isNews(a)) - Number(isNews(b)))) {
      this.#ends(this.#held.get(row.id) as Held, endOf(row), isNews(row))
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
      const held = new Held(session)
      held.connections.push(connection)
      this.#held.set(session.id, held)
      return { held, isNew: true, stale: false }
    }
    if (known.session.user !== session.user) return false
    const stale = known.endIsStored
    known.connections.push(connection)
    known.endIsStored = false
    this.#goesOn(known)
    return { held: known, isNew: false, stale }
  }

  /** Counts a connection out. True: it was the last. */
  detach(connection: Connection, id: string, now: number): boolean {
    const held = this.#held.get(id)
    const at = held?.connections.indexOf(connection) ?? -1
    if (held === undefined || at === -1) return false
    held.connections.splice(at, 1)
    if (held.connections.length > 0) return false
    this.#ends(held, now + this.#grace, true)
    return true
  }

  /** Takes a session out, whatever it holds. */
  end(id: string): Held | undefined {
    const held = this.#held.get(id)
    if (held === undefined) return undefined
    this.#held.delete(id)
    this.#goesOn(held)
    return held
  }

  /** Takes out the sessions whose grace is over. */
  expire(now: number): Held[] {
    const over: Held[] = []
    for (let next = this.#ending.first; next !== undefined && isOver(next, now); next = this.#ending.first) {
      over.push(next)
      this.end(next.session.id)
    }
    return over
  }

  /** When a session without a connection ends (ms). */
  endOf(id: string): number | undefined {
    return this.#held.get(id)?.endsAt
  }

  /** The sessions that end and whose rows do not say so; each is given once. */
  newlyEnding(): readonly Held[] {
    const news = this.#ending.lastThat(({ endIsNews }) => endIsNews)
    for (const held of news) held.endIsNews = false
    return news
  }

  /** Of the sessions that end, the next that is so. */
  nextEnding(holds: (held: Held) => boolean): Held | undefined {
    return this.#ending.find(holds)
  }

  #ends(held: Held, endsAt: number, endIsNews: boolean): void {
    held.endsAt = endsAt
    held.endIsNews = endIsNews
    this.#ending.add(held.end)
  }

  #goesOn(held: Held): void {
    held.endsAt = undefined
    this.#ending.delete(held.end)
  }
}

const isOver = ({ endsAt = Number.POSITIVE_INFINITY }: Held, now: number): boolean => endsAt <= now

/** What is stored of a session; `endsAt` if its end is to be known after a sleep. */
export const rowOf = ({ session, presence }: Held, endsAt?: number): SessionRow => ({
  ...session,
  ...(presence !== undefined && { presence }),
  ...(endsAt !== undefined && { endsAt }),
})
