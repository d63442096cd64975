import type { Bearer, Gate } from '../auth/gate.ts'
import type { Visitor, Welcome } from '../protocol/ask.ts'
import type { CodecName, Pack } from '../protocol/codec/index.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { Tell } from '../protocol/journal.ts'
import type { Activity } from '../room/info.ts'
import type { Command, Hello, Reply, Revocation } from '../room/ports.ts'

/** What the gateway sees of one room: a local object on Node, a Durable Object stub on the edge. */
export interface RoomStub {
  command(command: Command): Promise<Reply>
  /** Attaches a wire that the gateway holds: a poll or a stream; at once, where the room is at hand. @throws Refusal */
  dial(hello: Hello, leg: Leg): Wire | Promise<Wire>
  /** Attaches the client's own WebSocket. `protocol`: the subprotocol to answer, if one was offered. */
  upgrade(request: Request, hello: Hello, protocol: string | null): Promise<Response>
}

/** The gateway's end of a dialled wire. */
export interface Leg {
  write(pack: Pack): void
  /** Bytes that it still takes. */
  credit(): number
  /** The room has ended it; `retryAfter`: when its client may come back (s), if the room knows. */
  closed(code: number, reason: string, retryAfter?: number): void
}

export interface Wire {
  /** Operations of the leg's client, as one WebSocket message has them. False: it takes no more now. */
  send(text: string): boolean
  /** The leg takes more again. */
  drained(): void
  /** Settled when the room has said what it had to say at once. Absent: it has. */
  readonly asked?: Promise<void>
  /** Its client sends nothing more: answered, and caught up, it is let go with 1000 (TCP-5). Where a wire has two halves. */
  finish?(): void
  /** The leg is over. May be called twice. */
  close(): void
}

/** What carries a stream's bytes to its client. */
export interface Outlet {
  write(bytes: Uint8Array): void
  /** Bytes that it still takes; less than none by as much as it is owed beyond. */
  credit(): number
  /** Nothing more comes. */
  end(): void
}

/** What is written to an outlet. */
export interface Source {
  /** It takes more again. */
  drained(): void
  /** It is over. May be called twice. */
  close(): void
}

/** A handshake that cannot be let in, and must be told so by a close (WS-8). */
export type RefuseUpgrade = (
  request: Request,
  refusal: { readonly protocol: string | null; readonly code: number; readonly reason: string },
) => Response

/** A client's WebSocket that the gateway itself holds, because it carries several rooms. */
export interface HeldSocket {
  send(text: string): void
  /** Bytes that it still takes before its client counts as slow. */
  credit(): number
  close(code: number, reason: string): void
}

export interface SocketHandler {
  message(data: string | Uint8Array): void
  /** The socket takes more again, on runtimes that say so. */
  drained(): void
  /** It is gone. May be called twice. */
  closed(): void
  /** The gateway goes down. */
  sendAway(): void
}

export type AcceptSocket = (
  request: Request,
  protocol: string,
  handle: (socket: HeldSocket) => SocketHandler,
) => Response

/** What rooms there are (INFO-2). */
export interface RoomList {
  readonly rooms: readonly Activity[]
  /** The last name that was looked at; null: there are no more. */
  readonly next: string | null
  /** False: this runtime does not know what rooms there are. */
  readonly listed: boolean
}

export interface RoomQuery {
  readonly order: 'activity' | 'name'
  /** By name: those after it. */
  readonly after: string
  readonly limit: number
  /** May this one be shown? */
  shows(room: string): boolean
}

/** What stands beside the code, ready to be sent: the files of `web/`, and the reference that one of them shows. */
export const PAGES = ['chat.html', 'docs.html', 'inspect.html', 'openapi.json'] as const

export type Page = (typeof PAGES)[number]

/** What a poll asks for. */
export interface Poll {
  readonly room: string
  readonly hello: Hello
  /** A secret that was made for its session, to be told. */
  readonly resume?: string | undefined
  /** Seconds. */
  readonly wait: number
}

/** A poll that has been let in: see `repollOf`. */
export interface LetIn {
  readonly poll: Poll
  readonly request: Request
  readonly path: string
  /** As it is registered. */
  readonly route: string
  readonly bearer: Bearer
  /** As its bearer may use it, and as it is. */
  readonly runtime: Runtime
  readonly host: Runtime
}

/** What a runtime brings to the gateway. */
export interface Runtime {
  room(name: string): RoomStub
  readonly gate: Gate
  /** The runtime as the bearer of a fresh token may use it, which came over a connection of theirs (AUTH-8). @throws Refusal */
  renewed?(token: string): Promise<Runtime>
  /** What was revoked in all rooms at once, where that can be known. */
  readonly revocations?: {
    has(bearer: Bearer): boolean
    add(revocations: readonly Revocation[]): Promise<Reply>
  }
  /** Whence a request comes, if connections are counted by that (LIMIT-3). */
  address?(request: Request): string | undefined
  readonly refuse: RefuseUpgrade
  readonly accept: AcceptSocket
  readonly payloadLimit: number
  /** LIMIT-5: seconds within which a body has come; absent: the server that hands requests on sees to it. */
  readonly bodyPatience?: number
  /** MULTI-1. */
  readonly roomsPerConnection: number
  /** LIMIT-1: what one connection may do a second; absent: no limit. */
  readonly rate?: number
  /** Seconds that a poll is held if it does not say. */
  readonly pollWait: number
  /** For a host that sees the next request of a client's line before it is read: this one may be asked again without it. */
  remember?(poll: LetIn): void
  /** Where a host writes to a client by itself, past what a `Response` costs: what is to be its body, once its head is out. */
  stream?(request: Request, open: (outlet: Outlet) => Source): void
  /** Its text, with all that it needs. */
  page(name: Page): string | Promise<string>
  /** Absent: rooms know nothing of each other. @throws Refusal `storage` */
  list?(query: RoomQuery): RoomList
  /** Asks the backend who it is and whether it may come in; absent: nobody is asked. */
  connect?(visitor: Visitor, session: string, traceparent?: string): Promise<Welcome>
  /** Does it take work? Else why not. */
  ready(): true | Refusal
  readonly tell: Tell
  /** Tells of what was thrown and not foreseen. */
  report(error: unknown): void
  /** A request was answered. `route`: as it is registered, `none` if there is none. */
  answered?(route: string, status: number): void
  /** The text of `/metrics` (OPS-5); absent: there is no process that could have any. */
  metrics?(): Promise<string>
}

/** Subprotocols that are known, and how they are spoken. */
export const SUBPROTOCOLS: Readonly<Record<string, CodecName>> = {
  'holdline.v1': 'framed',
  'holdline.plain': 'plain',
}
