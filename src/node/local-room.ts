import { randomSecret } from '../auth/secrets.ts'
import { retryAfter } from '../gateway/advice.ts'
import type { Leg, Wire } from '../gateway/ports.ts'
import { CLOSE } from '../protocol/codes.ts'
import { Beat } from '../room/beat.ts'
import type {
  Command,
  Connection,
  Hello,
  HistoryRead,
  Reply,
  RoomHost,
  RoomLimits,
  Scan,
  Ticket,
  Work,
} from '../room/ports.ts'
import { Replies } from '../room/replies.ts'
import type { Room } from '../room/room.ts'
import { WorkQueue } from '../room/work-queue.ts'
import { LegConnection } from './connection.ts'
import type { Planned, SqliteLog } from './sqlite/log.ts'

/** RFC 6455 section 7.4.1. */
const INTERNAL_ERROR = 1011
/** How long a room rests after a commit that failed (ms): the disk will hardly be better at once. */
const SETBACK = 500
/** How often those who are behind are looked after (ms). */
const LOOK_AFTER = 1000

export type RoomClass = new (...args: ConstructorParameters<typeof Room>) => Room<unknown>

export interface LocalRoomOptions {
  readonly name: string
  readonly room: RoomClass
  readonly limits: RoomLimits
  openLog(): SqliteLog
  /** The room has something to commit: it will be asked for a `plan`, and told what became of it. */
  due(room: LocalRoom): void
  /** The room cannot be gone on with: not even what it was can be read. */
  lost(room: LocalRoom): void
  report(error: unknown): void
}

/** One room of this process: the host of a Room, and what the gateway sees of it. */
export class LocalRoom implements RoomHost {
  readonly #options: LocalRoomOptions
  readonly #connections = new Set<Connection>()
  readonly #replies = new Replies()
  readonly #beat: Beat
  #log: SqliteLog
  #room: Room<unknown>
  readonly #works = new WorkQueue()
  #alarm: NodeJS.Timeout | undefined
  #touched = Date.now()
  #lookingAfter = false

  constructor(options: LocalRoomOptions) {
    this.#options = options
    this.#beat = new Beat(() => options.due(this))
    this.#log = options.openLog()
    this.#room = this.#born()
  }

  /** Nobody is here, nothing is under way, and nobody has come for so long (ms): it can be made again from its log. */
  isIdle(since: number): boolean {
    const isQuiet = this.#connections.size === 0 && this.#replies.size === 0 && this.#alarm === undefined
    return isQuiet && !this.#beat.busy && this.#touched <= since
  }

  get name(): string {
    return this.#options.name
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Sends everyone away; `clients`: how many come back elsewhere at the same time. */
  drain(clients: number): void {
    this.#room.drain(clients)
  }

  // ---- What the gateway asks ----

  command(command: Command): Promise<Reply> {
    this.#touched = Date.now()
    return new Promise((resolve) => {
      const ticket = this.#replies.expect(command, resolve)
      try {
        this.#room.command(ticket, command)
      } catch (error) {
        this.#options.report(error)
        this.#replies.forget(ticket, { type: 'error', code: 'internal', message: 'The room could not handle this' })
      }
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
    this.#guard(connection, () => {
      if (this.#room.open(connection, hello)) this.#connections.add(connection)
    })
  }

  received(connection: Connection, data: string | Uint8Array): void {
    this.#guard(connection, () => this.#room.message(connection, data))
  }

  drained(connection: Connection): void {
    this.#guard(connection, () => this.#room.drained(connection))
  }

  closed(connection: Connection): void {
    this.#touched = Date.now()
    if (this.#connections.delete(connection)) this.#room.close(connection)
  }

  /** An error in what one connection caused ends that connection, and neither the room nor the process. */
  #guard(connection: Connection, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#options.report(error)
      connection.close(INTERNAL_ERROR, 'internal')
    }
    this.#lookAfter()
  }

  /** While somebody is behind: sockets say when they drained, but not that they never will. */
  #lookAfter(): void {
    if (this.#lookingAfter || !this.#room.hasStuck) return
    this.#lookingAfter = true
    setTimeout(() => {
      this.#lookingAfter = false
      this.#room.lookAfter()
      this.#lookAfter()
    }, LOOK_AFTER).unref()
  }

  // ---- What the room asks ----

  commit(work: Work): void {
    this.#works.push(work)
    this.#beat.request()
  }

  backlog(): number {
    return this.#works.bytes
  }

  knows(dedupeKey: string): boolean {
    return this.#works.knows(dedupeKey) || this.#log.knows(dedupeKey)
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

  retryAfter(clients: number): number {
    return retryAfter(clients)
  }

  randomId(): string {
    return randomSecret()
  }

  report(error: unknown): void {
    this.#options.report(error)
  }

  // ---- What the registry asks, when it commits for all rooms that are due ----

  /** Is anything to be written, be it that older messages are to go? */
  get hasWork(): boolean {
    return !this.#works.isEmpty || this.#log.isDue(Date.now())
  }

  /** Has something written as soon as the room's pace lets it. */
  work(): void {
    this.#beat.request()
  }

  /** What is to be written for all that waits. */
  plan(): Planned {
    return this.#log.plan(this.#works.take(), Date.now())
  }

  written(plan: Planned): void {
    this.#log.confirm(plan)
    this.#works.done()
    const started = performance.now()
    try {
      this.#room.settled(plan.settled)
    } catch (error) {
      this.#options.report(error)
    }
    this.#lookAfter()
    // One step of pruning was not enough.
    if (this.#log.isDue(Date.now())) this.work()
    this.#rest(performance.now() - started)
  }

  /**
   * Nothing was written, and the room is born again from what is. What came in meanwhile built upon what has failed,
   * so it fails too.
   */
  failed(why: string): void {
    const works = [...this.#works.done(), ...this.#works.take()]
    this.#works.done()
    const message = `The log cannot be written: ${why}`
    try {
      this.#log = this.#options.openLog()
      this.#room = this.#born()
    } catch (error) {
      this.#lost(error)
      return
    }
    const outcome = { error: 'storage', message } as const
    const outcomes = works.flatMap(({ replyTo }) => (replyTo === undefined ? [] : [{ replyTo, outcome }]))
    this.#room.settled({ entries: [], outcomes, head: this.#log.load().head })
    this.#rest(SETBACK)
  }

  /** Everyone is sent away, to come back when there may be a log again. */
  #lost(error: unknown): void {
    this.#options.report(error)
    clearTimeout(this.#alarm)
    this.#options.lost(this)
    this.#replies.forgetAll({ type: 'error', code: 'storage', message: 'The log cannot be read' })
    for (const connection of this.#connections) connection.close(CLOSE.storage, 'storage')
    this.#connections.clear()
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
