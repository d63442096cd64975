import { randomSecret } from '../auth/secrets.ts'
import type { Leg, Wire } from '../gateway/ports.ts'
import { CLOSE } from '../protocol/codes.ts'
import { weight } from '../protocol/entry.ts'
import { Beat } from '../room/beat.ts'
import type { Log } from '../room/log/log.ts'
import type {
  Command,
  Connection,
  Hello,
  HistoryRead,
  Reply,
  RoomHost,
  RoomLimits,
  Scan,
  Settled,
  Ticket,
  Work,
} from '../room/ports.ts'
import { Replies } from '../room/replies.ts'
import type { Room } from '../room/room.ts'
import { LegConnection } from './connection.ts'

export type RoomClass = new (...args: ConstructorParameters<typeof Room>) => Room<unknown>

export interface LocalRoomOptions {
  readonly name: string
  readonly room: RoomClass
  readonly limits: RoomLimits
  openLog(): Log
  /** The room has something to commit: it will be asked for it (`commitNow`) within a transaction. */
  due(room: LocalRoom): void
  report(error: unknown): void
}

/** One room of this process: the host of a Room, and what the gateway sees of it. */
export class LocalRoom implements RoomHost {
  readonly #options: LocalRoomOptions
  readonly #connections = new Set<Connection>()
  readonly #replies = new Replies()
  readonly #beat: Beat
  #log: Log
  #room: Room<unknown>
  #waiting: Work[] = []
  #committing: readonly Work[] = []
  #backlog = 0
  #alarm: NodeJS.Timeout | undefined

  constructor(options: LocalRoomOptions) {
    this.#options = options
    this.#beat = new Beat(() => options.due(this))
    this.#log = options.openLog()
    this.#room = this.#born()
  }

  /** Nobody is here and nothing is under way: it can be dropped, and made again from its log. */
  get idle(): boolean {
    return this.#connections.size === 0 && this.#replies.size === 0 && !this.#beat.busy && this.#alarm === undefined
  }

  // ---- What the gateway asks ----

  command(command: Command): Promise<Reply> {
    return new Promise((resolve) => {
      const ticket = this.#replies.expect(command, resolve)
      this.#room.command(ticket, command)
    })
  }

  dial(hello: Hello, leg: Leg): Wire {
    const connection = new LegConnection(leg, (code, reason) => {
      this.closed(connection)
      leg.closed(code, reason)
    })
    this.attach(connection, hello)
    return { drained: () => this.drained(connection), close: () => this.closed(connection) }
  }

  attach(connection: Connection, hello: Hello): void {
    this.#connections.add(connection)
    this.#room.open(connection, hello)
  }

  received(connection: Connection, data: string | Uint8Array): void {
    this.#room.message(connection, data)
  }

  drained(connection: Connection): void {
    this.#room.drained(connection)
  }

  closed(connection: Connection): void {
    if (this.#connections.delete(connection)) this.#room.close(connection)
  }

  // ---- What the room asks ----

  commit(work: Work): void {
    this.#waiting.push(work)
    for (const draft of work.drafts) this.#backlog += weight(draft)
    this.#beat.request()
  }

  backlog(): number {
    return this.#backlog
  }

  knows(dedupeKey: string): boolean {
    const waits = [...this.#committing, ...this.#waiting].some((w) => w.drafts.some((d) => d.dedupe?.key === dedupeKey))
    return waits || this.#log.knows(dedupeKey)
  }

  read(reader: Connection | HistoryRead, scan: Scan): void {
    setImmediate(() => {
      try {
        this.#room.page(reader, this.#log.read(scan))
      } catch (error) {
        this.#options.report(error)
        if (!('replyTo' in reader)) reader.close(CLOSE.storage, 'storage')
        else if ('ticket' in reader.replyTo) {
          this.reply(reader.replyTo.ticket, { type: 'error', code: 'storage', message: 'The log cannot be read' })
        } else reader.replyTo.connection.close(CLOSE.storage, 'storage')
      }
    })
  }

  reply(ticket: Ticket, reply: Reply, index?: number): void {
    this.#replies.answer(ticket, reply, index)
  }

  wakeAt(time: number | null): void {
    clearTimeout(this.#alarm)
    this.#alarm = undefined
    if (time === null) return
    this.#alarm = setTimeout(
      () => {
        this.#alarm = undefined
        this.#room.alarm()
      },
      Math.max(time - this.now(), 1),
    )
    this.#alarm.unref()
  }

  now(): number {
    return Date.now()
  }

  randomId(): string {
    return randomSecret()
  }

  report(error: unknown): void {
    this.#options.report(error)
  }

  // ---- What the registry asks, when it commits for all rooms that are due ----

  /** Writes what waits. Called within a transaction; what it returns is handed back to `settled` when that stands. */
  commitNow(): Settled {
    this.#committing = this.#waiting
    this.#waiting = []
    this.#backlog = 0
    return this.#log.append(this.#committing, Date.now())
  }

  settled(settled: Settled): void {
    this.#committing = []
    const started = performance.now()
    this.#room.settled(settled)
    this.#rest(performance.now() - started)
  }

  /** The transaction failed: nothing was written, and the room is born again from what was. */
  failed(): void {
    const works = this.#committing
    this.#committing = []
    this.#log = this.#options.openLog()
    this.#room = this.#born()
    const outcome = { error: 'storage', message: 'The log cannot be written' } as const
    const outcomes = works.flatMap(({ replyTo }) => (replyTo === undefined ? [] : [{ replyTo, outcome }]))
    this.#room.settled({ entries: [], outcomes, head: this.#log.load().head })
    this.#rest(1)
  }

  #born(): Room<unknown> {
    const { name, limits, room: Class } = this.#options
    const room = new Class(this, { name, limits, ...this.#log.load() })
    room.wake(this.#connections)
    return room
  }

  /** A timer has a millisecond's grain; a shorter rest is one turn of the event loop. */
  #rest(milliseconds: number): void {
    if (milliseconds < 0.5) setImmediate(() => this.#beat.rested())
    else setTimeout(() => this.#beat.rested(), milliseconds)
  }
}
