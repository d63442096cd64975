import type { Granted, Identity, Pass } from '../protocol/capabilities.ts'
import type { CodecName, Pack } from '../protocol/codec/index.ts'
import type { Position } from '../protocol/cursor.ts'
import type { Draft, Entry, MessageDraft, Reader } from '../protocol/entry.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { Gap } from '../protocol/events.ts'
import type { Ref } from '../protocol/operations.ts'
import type { OutboxChange, Told, WebhookEvent } from '../protocol/webhook.ts'
import type { Command, Reply, Revocation } from './commands.ts'
import type { Member } from './members.ts'
import type { Question } from './questions.ts'
import type { Tally } from './tally.ts'

export type { Command, Reply, Revocation }

/** The extent of a room's log. */
export interface Head {
  /** Oldest first; the last is the current one. Empty: nothing was ever written. */
  readonly epochs: readonly { readonly name: string; readonly last: number }[]
  /** The place before the oldest message that is kept. */
  readonly floor: Position
}

export const EMPTY: Head = { epochs: [], floor: { epoch: '0', offset: 0 } }

/** What is written along with messages, atomically. */
export interface Change {
  /** Session rows, new or changed. */
  readonly put?: readonly SessionRow[]
  /** Session rows that go, by id. */
  readonly drop?: readonly string[]
  /** JSON. */
  readonly state?: string
  /** What a backend is to be told of it. */
  readonly told?: readonly Told[]
  /** What becomes of what it was to be told before. */
  readonly outbox?: OutboxChange
}

/** A session that must outlive the room's sleep. */
export interface SessionRow {
  readonly id: string
  readonly user?: string
  /** Set while it is present. */
  readonly presence?: { readonly state?: string }
  /** When it ends (ms), if it has no connection. Not written for polls, which come and go: see `Room.alarm`. */
  readonly endsAt?: number
  /** Set in rows of the doorkeeper's own, whose ids no session has: what it must not forget. */
  readonly kept?: Kept
}

/** What a room's doorkeeper remembers, until then (ms). */
export type Kept = { readonly until: number } & (
  | { readonly revoked: RevokedKind; readonly name: string; readonly at: number }
  | { readonly session: string; readonly user?: string; readonly pass: Pass }
)

export type RevokedKind = 'user' | 'session' | 'token'

/** Whom a commit's outcome is told to. */
export type ReplyTo =
  | { readonly connection: Connection; readonly ref?: Ref; readonly id?: string }
  | { readonly ticket: Ticket; readonly id?: string; readonly index?: number }

/** One atomic write: all of it or nothing. */
export interface Work {
  readonly drafts: readonly Draft[]
  readonly change?: Change
  /** Answered with the outcome of the first draft, or, without drafts, that it is done. */
  readonly replyTo?: ReplyTo
  /** Nothing is written: it is a repeat of a message that is known, and only asks what became of that one. */
  readonly repeats?: MessageDraft
  /** It is written together with the work before it, or neither is. */
  readonly withPrevious?: boolean
}

export type Outcome =
  | { readonly cursor?: string; readonly duplicate?: true }
  | { readonly error: ErrorCode; readonly message: string; readonly retryAfter?: number }

export interface Settled {
  /** In feed order; nothing of what failed or was a duplicate. */
  readonly entries: readonly Entry[]
  readonly outcomes: readonly { readonly replyTo: ReplyTo; readonly outcome: Outcome }[]
  readonly head: Head
  /** How many more events wait in the outbox since. */
  readonly told?: number
  /** When the oldest of it was handed over for its commit (ms). */
  readonly since?: number
}

/** Entries after `after`, none beyond `through`; where not all of them fit, the oldest, or the newest if `fromEnd`. */
export interface Scan {
  readonly after: Position
  readonly through: Position
  readonly maxBytes: number
  readonly maxEntries?: number
  readonly fromEnd?: boolean
}

export interface Page {
  /** The place before the first that was scanned. */
  readonly after: Position
  readonly entries: readonly Entry[]
  /** How far was scanned. */
  readonly through: Position
  /** Messages before it may have gone since the scan was asked for. */
  readonly floor: Position
}

/** A pending answer to a command. */
export type Ticket = number

/** What a runtime gives to one room. Effects only: what comes of them arrives later, never inside the running call. */
export interface RoomHost {
  /** → `room.settled` */
  commit(work: Work): void
  /** Bytes of drafts that wait for their commit. */
  backlog(): number
  /** Is a message known under this key, in the log or on its way into it? */
  knows(dedupeKey: string): boolean
  /** → `room.page` */
  read(reader: Connection | HistoryRead, scan: Scan): void
  /** `index`: which item of a batch is answered. */
  reply(ticket: Ticket, reply: Reply, index?: number): void
  /** → `room.alarm()`, not before `time` (ms); null: not needed. */
  wakeAt(time: number | null): void
  now(): number
  /** Seconds, jittered, after which one of so many clients may come back. */
  retryAfter(clients: number): number
  randomId(): string
  /** → `room.verdict`, in the order in which the questions of a line were asked. False: too much waits already. */
  ask(question: Question): boolean
  /** What that connection waits for; `auth` before all else. */
  awaits(connection: Connection): Question['hook'] | null
  /** Tells the operator; `error` is not the client's to see. */
  report(error: unknown): void
}

/** A history request under way: all that its answer needs, so that the room need not remember it. */
export interface HistoryRead {
  readonly reader: Reader
  readonly replyTo: { readonly ticket: Ticket } | { readonly connection: Connection; readonly ref?: Ref }
  readonly gap?: Gap
  /** Nothing older than this may be read (ms). */
  readonly since?: number
}

export type Kind = 'websocket' | 'poll' | 'sse' | 'tcp'

/** What the gateway decided about a connection. Nothing else of a request reaches the room. */
export interface Hello {
  readonly kind: Kind
  readonly codec: CodecName
  readonly session: string
  readonly user?: string
  /** A secret that the server made, to be told in the welcome. */
  readonly resume?: string
  readonly cursor?: string
  readonly rewind?: number
  /** It wants to be present and to hear of presence: the rev that it knows, or the empty text. */
  readonly presence?: string
  /** JSON text of the state with which it becomes present. */
  readonly state?: string
  /** Absent: it may do everything. */
  readonly pass?: Pass
  /** What the backend lets it do, when it was asked (ASK-3). */
  readonly granted?: Granted
  /** It has shown an API key: nothing of it is asked about. */
  readonly isBackend?: true
  /** It has shown no token but its session's secret, and may do what that session's token allows (AUTH-7). */
  readonly onResume?: true
  /** Whence it comes, where connections are counted by that (LIMIT-3). */
  readonly address?: string
}

/** What a token that came in-band lets its bearer do in this room; or why it was refused. */
export type Verdict =
  | { readonly user?: string; readonly pass?: Pass; readonly error?: never }
  | { readonly error: ErrorCode; readonly message: string }

/** What of a connection outlives the room's sleep: 2 kB at most (the platform's bound is 16 kB, ours leaves room). */
export interface Attachment {
  readonly kind: Kind
  readonly codec: CodecName
  readonly session: string
  readonly user?: string
  /** When it was opened (ms). */
  readonly since: number
  /** Set while it is not live: what it has been sent up to. */
  readonly at?: Position
  /** Set if it hears of presence: the rev that it knows, or `IN_STEP`. */
  readonly presence?: string
  /** What its token allows, as far as the backend grants it too. */
  readonly pass?: Pass
  readonly granted?: Granted
  readonly isBackend?: true
  readonly address?: string
  /** A plain one that asked to start N messages back, and takes what it may have of them; until it has some: then it has no holes. */
  readonly rewound?: true
}

/** A live connection hears of every change, so what it knows is what there is. */
export const IN_STEP = '*'

/** One attached wire. */
export interface Connection {
  readonly attachment: Attachment
  /** What the room that it is in knows it as; no host need look at it. */
  member?: Member | undefined
  /** It was not closed from here; what has been closed may stay for long until its other end says so too. */
  readonly isOpen: boolean
  attach(attachment: Attachment): void
  write(pack: Pack): void
  /** Bytes that may still be written before it counts as behind. */
  credit(): number
  /** The client has read up to there: it answers the connection's own `probe` (WS-6). */
  confirm(n: number): void
  /** `retryAfter`: when its client may come back (s), where it was not told in the feed. */
  close(code: number, reason: string, retryAfter?: number): void
}

/** What the connections of a room have heard of it: a host that throws the room away hands it on to the next one. */
export interface Heard {
  /** Where those stand who are live. */
  readonly position: Position
  /** What those know of presence who hear of every change. */
  readonly rev: string
}

/** What a room is born from, the first time and after every sleep. */
export interface Birth {
  readonly name: string
  readonly head: Head
  readonly sessions: readonly SessionRow[]
  /** JSON, as it was last committed. */
  readonly state: string | null
  readonly limits: RoomLimits
  /** What a backend is told of; absent: nothing. */
  readonly tells?: readonly WebhookEvent[]
  /** Is it asked about messages? */
  readonly asks?: boolean
  /** Was it revoked in all rooms at once? Absent: that cannot be known. */
  isRevoked?(by: Identity): boolean
  /** Where it counts what it does. */
  readonly tally: Tally
}

/** What a deployment may set. */
export interface RoomLimits {
  /** SIZE-1, bytes. */
  readonly payload: number
  /** PRES-6, sessions. */
  readonly presence: number
  /** PRES-2, bytes. */
  readonly presenceState: number
  /** HIST-1, messages. */
  readonly historyPage: number
  /** LIMIT-1, LIMIT-2: messages a second; absent, as the next two: no limit. */
  readonly rate?: number
  readonly userRate?: number
  /** LIMIT-3, LIMIT-4: connections. */
  readonly perAddress?: number
  readonly connections?: number
}
