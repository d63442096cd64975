import type { Unlisten } from './emitter.ts'
import type { HoldlineError } from './errors.ts'
import type { Room, RoomOptions, State } from './room.ts'
import type { TokenSource } from './token.ts'
import type { TransportName } from './transports/wire.ts'

export interface ClientOptions {
  /** A token, or a function that gets one: it is asked again before the token ends, and when it has. */
  readonly token?: TokenSource
  /** Best first. Default: `websocket`, `sse`, `poll`, as far as the runtime has them. */
  readonly transports?: readonly TransportName[]
  /** The secret of the session, 22 to 128 of `A-Z a-z 0-9 _ -`. Default: a new one, so that each client is a session. */
  readonly session?: string
  /** How many publishes may wait for a connection. Default: 1,000. */
  readonly queue?: number
}

export interface ClientEvents {
  state: ClientState
  error: HoldlineError
}

export interface ClientState {
  readonly state: State
  /** Where there is one, or one is being tried. */
  readonly transport?: TransportName
  /** Why it waits, or is closed. */
  readonly reason?: string | undefined
  /** Milliseconds until the next try. */
  readonly retryIn?: number
}

/** One connection to a gateway, and the rooms that are followed over it. */
export interface Client {
  readonly state: ClientState

  on<Name extends keyof ClientEvents>(name: Name, listener: (value: ClientEvents[Name]) => void): Unlisten

  /**
   * Follows a room, from this turn on: listeners that are added in the same turn hear everything.
   * @throws HoldlineError `closed`, `bad_room`, `bad_request`
   */
  room<T = unknown>(name: string, options?: RoomOptions<T>): Room<T>

  /** Tries again at once, if it waits for no advice of the gateway's; else finds out whether the wire still stands. */
  nudge(): void

  /** Leaves all rooms. What was not answered yet is rejected: `closed`. */
  close(): void
}
