import { atEnd } from './ends.ts'
import type { ServerEvent } from './events.ts'
import type { Query, Where } from './http.ts'
import { Inbox, PATIENCE } from './inbox.ts'

export type TransportName = 'framed' | 'plain' | 'poll' | 'sse' | 'tcp'

/** One way to follow a room. All behave alike, so that a case is written once and run for each. */
export interface Transport {
  name: TransportName
  /** Resolves when the server has let us in: what is published from here on must arrive. */
  open(base: string, where: Where, query?: Query): Promise<Follower>
}

export abstract class Follower {
  readonly inbox: Inbox<ServerEvent>
  /** The event that it began with; a plain connection has none, a poll's first answer takes its place. */
  welcome: ServerEvent = { type: 'none' }
  /** The cursor to come back with. Plain connections never learn it. */
  cursor: string | undefined
  /** What it knows of who is here, to come back with (PRES-4). */
  rev: string | undefined
  /** The same of each room, for who follows several. */
  readonly cursors = new Map<string, string>()
  readonly revs = new Map<string, string>()
  readonly welcomes = new Map<string, ServerEvent>()

  constructor(name: string) {
    this.inbox = new Inbox(name)
    atEnd(() => this.close())
  }

  abstract close(): Promise<void> | void

  /** The next event of any type, but those that only keep the books (`cursor`, `probe`) and those unknown (ERR-3). */
  async next(patience = PATIENCE): Promise<ServerEvent> {
    const taken = await this.inbox.until((event) => heard.has(event.type), patience)
    return taken.at(-1) as ServerEvent
  }

  /** The next messages; anything else that a client must notice is an error here. */
  async messages(count: number, patience = PATIENCE): Promise<ServerEvent[]> {
    const found: ServerEvent[] = []
    while (found.length < count) {
      const event = await this.next(patience)
      if (event.type !== 'message') throw new Error(`instead of a message came ${JSON.stringify(event)}`)
      found.push(event)
    }
    return found
  }

  /** The payloads up to the one that ends it, which is left out: how a case proves that nothing else came. */
  async payloadsUntil(marker: string, patience = PATIENCE): Promise<(string | Uint8Array | undefined)[]> {
    const found: (string | Uint8Array | undefined)[] = []
    for (;;) {
      const [message] = await this.messages(1, patience)
      if (message?.payload === marker) return found
      found.push(message?.payload)
    }
  }

  /** The presence events up to a message with that payload: how a case proves that no other came. */
  async presenceUntil(marker: string, patience = PATIENCE): Promise<ServerEvent[]> {
    const found: ServerEvent[] = []
    for (;;) {
      const event = await this.next(patience)
      if (event.type === 'message' && event.payload === marker) return found
      if (event.type === 'presence') found.push(event)
      else if (event.type !== 'message') throw new Error(`amid presence came ${JSON.stringify(event)}`)
    }
  }

  /** Every event passes here, so that the cursor moves with what was received and with nothing else (CUR-5). */
  protected receive(event: ServerEvent): void {
    const { type, room, before } = event
    const moved = type === 'gap' ? before : type === 'message' || type === 'cursor' ? event.cursor : undefined
    this.cursor = moved ?? this.cursor
    if (room !== undefined && moved !== undefined) this.cursors.set(room, moved)
    if (type === 'presence') this.rev = event.rev
    if (type === 'presence' && room !== undefined) this.revs.set(room, `${event.rev}`)
    this.inbox.push(event)
  }

  /** A welcome says where delivery starts. */
  protected greeted(event: ServerEvent): void {
    this.cursor = event.cursor
    this.cursors.set(`${event.room}`, `${event.cursor}`)
    this.welcomes.set(`${event.room}`, event)
  }

  /** The cursor of several rooms that this client can make of what it has (MULTI-3). */
  vector(rooms: readonly string[]): string {
    return joined(rooms, this.cursors)
  }

  /** The one to come back with: as it was given, where the transport gives one. */
  given(rooms: readonly string[]): string {
    return this.vector(rooms)
  }
}

/** What is known of each room, as the query of several takes it. */
export const joined = (rooms: readonly string[], known: ReadonlyMap<string, string>): string =>
  rooms.map((room) => known.get(room) ?? '').join('.')

const heard = new Set(['message', 'presence', 'ack', 'history', 'error', 'gap', 'pong', 'closing', 'left'])
