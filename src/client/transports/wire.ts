import type { Gap, Welcome } from '../../protocol/events.ts'
import type { Environment } from '../environment.ts'

export type TransportName = 'websocket' | 'sse' | 'poll'

/** A session that is present, and what it says of itself. */
export interface Member {
  readonly session: string
  readonly user?: string
  readonly state?: unknown
}

export type PresenceEvent = { readonly type: 'presence'; readonly rev: string } & (
  | ({ readonly action: 'join' | 'update' | 'leave' } & Member)
  | { readonly action: 'sync'; readonly count: number; readonly members: readonly Member[] }
  | { readonly action: 'count'; readonly count: number }
)

/** A message as it comes over the wire. */
export interface RawMessage {
  readonly type: 'message'
  /** An ephemeral one has none. */
  readonly cursor?: string
  readonly id: string
  readonly from?: string
  readonly user?: string
  readonly event?: string
  readonly data?: unknown
  /** Base64, in place of `data`. */
  readonly bytes?: string
  /** Milliseconds since 1970. */
  readonly time: number
}

export interface Ack {
  readonly type: 'ack'
  readonly ref?: number
  readonly id?: string
  readonly cursor?: string
  readonly duplicate?: true
}

export interface Failure {
  readonly type: 'error'
  readonly ref?: number
  readonly code: string
  readonly message: string
  /** Seconds. */
  readonly retryAfter?: number
}

export interface Leaving {
  readonly code: number
  readonly reason: string
  /** Seconds. */
  readonly retryAfter?: number
}

/** What concerns one room. */
export type RoomEvent =
  | RawMessage
  | PresenceEvent
  | ({ readonly type: 'welcome'; readonly session: string; readonly head?: string | undefined } & Partial<
      Omit<Welcome, 'head'>
    >)
  | { readonly type: 'cursor'; readonly cursor: string }
  | ({ readonly type: 'gap' } & Gap)
  | ({ readonly type: 'left' } & Partial<Leaving>)
  /** Of a poll: where the room's log ends. */
  | { readonly type: 'head'; readonly head?: string | undefined }

/** What the server says, known types of it; a client ignores what it does not know. */
export type ServerEvent = { readonly room?: string } & (
  | RoomEvent
  | Ack
  | Failure
  | ({ readonly type: 'closing' } & Leaving)
  | { readonly type: 'probe'; readonly n: number }
  | { readonly type: 'pong' }
)

/** Why a wire ended. */
export interface End {
  readonly reason: string
  /** Where the gateway said why, its code. */
  readonly code?: string | undefined
  /** Of several rooms, the one that made it end. */
  readonly room?: string | undefined
  /** Not to be come back from. */
  readonly final?: boolean | undefined
  /** Seconds: the server's advice, and so a sign that it was the server who spoke. */
  readonly retryAfter?: number | undefined
  /** Seconds, at most so many: what the server said beforehand for when the wire is cut. */
  readonly spread?: number | undefined
  /** Nothing came over it that should have come. */
  readonly silent?: boolean
}

/** Who listens to a wire. Nothing is told after `ended`, or after the wire was closed. */
export interface Sink {
  /** The token is there, and the network is asked: time runs from here. */
  began(): void
  heard(events: readonly ServerEvent[]): void
  ended(end: End): void
}

/** What a wire is to follow. */
export interface Ask {
  /** In the order of the list. */
  readonly rooms: readonly string[]
  /** An address with where the client stands at that moment. */
  url(route: 'ws' | 'events' | 'poll', query?: Readonly<Record<string, number>>): string
  /** @throws HoldlineError `token` */
  token(): Promise<string | undefined>
}

export interface Wire {
  close(): void
  /** Sends operations, as JSON texts. Only a WebSocket can. */
  send?(operations: readonly string[]): void
  /** Finds out whether anybody is there. */
  check?(): void
}

export type Dial = (environment: Environment, ask: Ask, sink: Sink) => Wire

/** Events of a connection to one room do not name it. */
export const named = (rooms: readonly string[], events: readonly ServerEvent[]): readonly ServerEvent[] =>
  rooms.length > 1 ? events : events.map((event) => ({ room: rooms[0] as string, ...event }))
