import { bearerOf, type Pass } from '../protocol/capabilities.ts'
import { Buckets } from './buckets.ts'
import type { Connection, RoomLimits } from './ports.ts'

interface By {
  readonly user?: string
  readonly pass?: Pass
}

/** How much each may send in a time, by the connection and by who it is (LIMIT-1, LIMIT-2). */
export class Rates {
  readonly #ofConnections: Buckets<Connection>
  readonly #ofUsers: Buckets<string>
  readonly #refusals: Buckets<Connection>
  readonly #arrivals: Buckets<string>

  constructor({ rate, userRate }: RoomLimits) {
    this.#ofConnections = new Buckets(rate)
    this.#ofUsers = new Buckets(userRate)
    this.#refusals = new Buckets(rate)
    this.#arrivals = new Buckets(userRate)
  }

  /** Counts so many messages; seconds to wait, if that was too many. Null for the connection: they came over HTTP. */
  take({ user, pass }: By, connection: Connection | null, now: number, count = 1): number | null {
    const wait = connection === null ? null : this.#ofConnections.take(connection, now)
    if (wait !== null) return wait
    if (user !== undefined) return this.#ofUsers.take(`user ${user}`, now, count)
    // Over HTTP nothing else bounds who has no name.
    return connection !== null || pass === undefined ? null : this.#ofUsers.take(bearerOf(user, pass), now, count)
  }

  /** A user comes as somebody new: each is a session, of which others hear. Was that too often? */
  isCrowd(user: string, now: number): boolean {
    return this.#arrivals.take(user, now) !== null
  }

  /** Counts that it was refused; does it go on all the same? */
  isDeaf(connection: Connection, now: number): boolean {
    return this.#refusals.take(connection, now) !== null
  }

  leave(connection: Connection): void {
    this.#ofConnections.delete(connection)
    this.#refusals.delete(connection)
  }
}

export const tooFast = (wait: number) =>
  ({ error: 'rate', message: 'Too many messages in a short time', retryAfter: Math.ceil(wait * 10) / 10 }) as const
