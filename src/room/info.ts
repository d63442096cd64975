import type { Kind } from './ports.ts'

/** A session as an operator sees it. */
export interface SessionInfo {
  readonly session: string
  readonly user?: string
  /** JSON text of its presence state. */
  readonly state?: string
  readonly present: boolean
  readonly connections: readonly Kind[]
  /** When it ends (ms), if it has no connection. */
  readonly endsAt?: number
}

export interface Info {
  readonly room: string
  readonly cursor: string
  readonly sessions: number
  readonly connections: Readonly<Record<Kind, number>>
  /** When this instance of the room was born (ms). */
  readonly awakeSince: number
}
