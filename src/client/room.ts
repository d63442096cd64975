import type { Gap } from '../protocol/events.ts'
import type { Unlisten } from './emitter.ts'
import type { HoldlineError } from './errors.ts'
import type { Invalid, Message } from './message.ts'
import type { Published } from './outbox.ts'
import type { Schema } from './schema.ts'
import type { Member, PresenceEvent } from './transports/wire.ts'

/** Where the client is: in a room, or with all of them. */
export type State = 'connecting' | 'open' | 'recovering' | 'waiting' | 'closed'

/** A range that could not be recovered (FOLLOW-3). */
export type GapEvent = { readonly type: 'gap' } & Gap

export interface RoomOptions<T = unknown> {
  /** Start after this cursor. Default: from now. */
  readonly cursor?: string
  /** Without a cursor: start so many messages back, at most 1,000. */
  readonly rewind?: number
  /** Be present, with this state or none, and hear of the others. Default: neither. */
  readonly presence?: true | { readonly state: unknown }
  /** What data must be, both what comes and what is published. */
  readonly schema?: Schema<T>
}

export interface RoomEvents<T> {
  message: Message<T>
  /** Data that is not what the schema says; the room goes on after it. */
  invalid: Invalid
  gap: GapEvent
  presence: PresenceEvent
  state: State
  /** What the gateway refused and nobody waits for; or why the room is closed. */
  error: HoldlineError
}

/** What can be read by `for await`: all that the log has to say. */
export type Feed<T> = Message<T> | Invalid | GapEvent

export interface PublishOptions {
  /** Under the same id it is published once, however often it is sent. Default: a new one. */
  readonly id?: string
  readonly event?: string
  /** Who alone gets it. */
  readonly to?: { readonly sessions?: readonly string[]; readonly users?: readonly string[] }
  /** Sessions that do not get it. */
  readonly except?: readonly string[]
  /** Default: the publisher gets it too. */
  readonly echo?: boolean
  /** For those who are there now, never logged, and not kept for when there is a connection again. */
  readonly ephemeral?: boolean
}

export interface Page<T> {
  readonly messages: readonly (Message<T> | Invalid)[]
  /** To go on from with `after`. */
  readonly next: string
  /** To go back from with `before`; null when nothing older is kept. */
  readonly prev: string | null
  readonly gap?: Gap
}

/** One room that a client follows. */
export interface Room<T = unknown> extends AsyncIterable<Feed<T>> {
  readonly name: string
  readonly state: State
  /** Who the client is to the others: the `from` of its messages. Empty until the first welcome. */
  readonly session: string
  /** All up to here was handed out. */
  readonly cursor: string | undefined
  /** Who is here, with `presence`: in a room of more than 500 a sample. */
  readonly members: ReadonlyMap<string, Member>
  /** How many are here, with `presence`. */
  readonly count: number

  on<Name extends keyof RoomEvents<T>>(name: Name, listener: (value: RoomEvents<T>[Name]) => void): Unlisten

  /**
   * Publishes a value (as JSON) or bytes; resolves when it is committed. It is kept while there is no connection, and
   * tried again under its id until it is answered.
   * @throws HoldlineError
   */
  publish(data: T | Uint8Array, options?: PublishOptions): Promise<Published>

  /** Says something of this session to all who hear of presence, of at most 1 KiB as JSON; null is nothing. */
  setPresence(state: unknown): Promise<void>

  /** Who is here, asked of the gateway. @throws HoldlineError */
  presence(): Promise<{ readonly count: number; readonly members: readonly Member[] }>

  /** What was said, oldest first; 100 messages by default, 1,000 at most. @throws HoldlineError */
  history(query?: { readonly after?: string; readonly before?: string; readonly limit?: number }): Promise<Page<T>>

  leave(): void
}
