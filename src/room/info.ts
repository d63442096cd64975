import type { Kind } from './ports.ts'

/** What operators see of a room. */

/** A session as an operator sees it. */
export interface SessionInfo {
  readonly session: string
  readonly user?: string
  /** JSON text of its presence state. */
  readonly state?: string
  readonly present: boolean
  readonly connections: readonly Kind[]
  /** The same connections, the oldest first. */
  readonly attached: readonly Attached[]
  /** When it ends (ms), if it has no connection. */
  readonly endsAt?: number
}

/** A connection as an operator sees it. */
export interface Attached {
  readonly kind: Kind
  /** When it was opened (ms). */
  readonly since: number
  /** Bytes that it is owed, as far as that can be seen. */
  readonly queue: number
  /** Messages that it has yet to be sent, if it is not live. */
  readonly lag: number
}

/** What a room has done since it was born. */
export interface Figures {
  readonly messages: number
  /** Messages for all who were live, times how many those were. */
  readonly deliveries: number
  /** Messages a second in the last ten seconds or so. */
  readonly rate: number
  /** Of how many messages it took so many milliseconds from the publish to the sending, by the upper bound. */
  readonly latency: Readonly<Record<string, number>>
}

/** How much happens in a room. */
export interface Activity {
  readonly room: string
  readonly rate: number
  readonly connections: number
  readonly sessions: number
  /** Null: it is not in memory. */
  readonly awakeSince: number | null
}

export interface Info extends Figures {
  readonly room: string
  readonly cursor: string
  readonly sessions: number
  readonly connections: Readonly<Record<Kind, number>>
  /** When this instance of the room was born (ms). */
  readonly awakeSince: number
}
