import { randomSecret } from '../auth/secrets.ts'
import { retryAfter } from '../gateway/advice.ts'
import type { Leg, Wire } from '../gateway/ports.ts'
import type { Identity } from '../protocol/capabilities.ts'
import { CLOSE, DONE, INTERNAL_ERROR } from '../protocol/codes.ts'
import { reporter, type Tell } from '../protocol/journal.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { OutboxChange } from '../protocol/webhook.ts'
import { Beat } from '../room/beat.ts'
import { Chain } from '../room/chain.ts'
import type { Activity } from '../room/info.ts'
import type { Stored } from '../room/log/log.ts'
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
  Verdict,
  Work,
} from '../room/ports.ts'
import type { Answered, Question } from '../room/questions.ts'
import { Pages, type Reading, readerOf, readFor } from '../room/reading.ts'
import { revive } from '../room/rebirth.ts'
import { Replies } from '../room/replies.ts'
import type { Room, RoomClass } from '../room/room.ts'
import { SLOW } from '../room/tally.ts'
import { WorkQueue } from '../room/work-queue.ts'
import type { Backend } from '../webhooks/backend.ts'
import { Clerk } from '../webhooks/clerk.ts'
import type { Slots } from '../webhooks/slots.ts'
import { NO_BACKEND, Teller } from '../webhooks/teller.ts'
import { Alarm } from './alarm.ts'
import { LegConnection, type LocalConnection } from './connection.ts'
import type { Look, Readings } from './metrics/readings.ts'
import type { Planned, SqliteLog } from './sqlite/log.ts'

/**
 * How long a room rests at most (ms): enough for all others to have their turn. One of 5,000 rested for 60, and when as many
 * came back at once, who was there already waited up to 190 ms for a message, 105 so (2026-11).
 */
const LONGEST_REST = 25
/** How long a room rests after a commit that failed (ms): the disk will hardly be better at once. */
const SETBACK = 500
/** How long pages are read without a pause (ms). */
const READING = 5
/** How often those who are behind are looked after (ms). */
const LOOK_AFTER = 1000

export interface LocalRoomOptions {
  readonly name: string
  readonly room: RoomClass
  readonly limits: RoomLimits
  /** Null: nobody is told of the room. */
  readonly backend: Backend | null
  /** Whose turn it is to be asked about, of all rooms. */
  readonly slots: Slots
  openLog(): SqliteLog
  /** The room has something to commit: it will be asked for a `plan`, and told what became of it. */
  due(room: LocalRoom): void
  /** What a token that came in-band lets its bearer do here. */
  verify(room: string, token: string): Promise<Verdict>
  /** Was it revoked in all rooms at once? */
  isRevoked(by: Identity): boolean
  /** The room cannot be gone on with: not even what it was can be read. */
  lost(room: LocalRoom): void
  readonly tell: Tell
  readonly readings: Readings
}

/** One room of this process: the host of a Room, and what the gateway sees of it. */
export class LocalRoom implements RoomHost {
  readonly #options: LocalRoomOptions
  readonly #connections = new Chain<LocalConnection>()
  /** Those that say nothing more, while they wait for answers from elsewhere. */
  readonly #leaving = new Set<Connection>()
  readonly #replies = new Replies()
  readonly #beat: Beat
  readonly #reads: Reading[] = []
  #isReading = false
  /** Polls that came back behind while the room rests: they are answered after it, with what it has by then. */
  #gathered: Reading[] = []
  #isResting = false
  #log: SqliteLog
  #room: Room<unknown>
  /** Until the next commit, or until memory is wanted: those who come back come one by one, and have missed the same. */
  #pages: WeakRef<Pages> | undefined
  readonly #works = new WorkQueue()
  readonly #alarm = new Alarm(() => this.#room.alarm())
  #touched = Date.now()
  readonly #clerk: Clerk
  #lookingAfter = false
  readonly #teller: Teller | null
  readonly #telling = new Alarm(() => void this.#teller?.run())
  #isClosed = false

  constructor(options: LocalRoomOptions) {
    this.#options = options
    this.#beat = new Beat(() => options.due(this))
    const { name, backend, verify, slots } = options
    this.#clerk = new Clerk({
      verify: (token) => verify(name, token),
      judge: async (asked, since) => backend?.judge(name, asked, since, slots) ?? { rewrite: {} },
      tell: (answered) => this.#told(answered),
      report: this.report,
    })
    this.#log = options.openLog()
    const stored = this.#log.load()
    this.#room = this.#born(stored)
    this.#room.wake([])
    this.#teller = this.#hired(stored.waiting)
  }

  /** Nobody is here, nothing is under way, and nobody has come for so long (ms): it can be made again from its log. */
  isIdle(since: number): boolean {
    const isQuiet = this.#connections.size === 0 && this.#replies.size === 0 && !this.#alarm.isSet
    return isQuiet && this.#clerk.isIdle && !this.#beat.busy && (this.#teller?.idle ?? true) && this.#touched <= since
  }

  get name(): string {
    return this.#options.name
  }

  isRevoked(by: Identity): boolean {
    return this.#room.isRevoked(by)
  }

  get activity(): Activity {
    return { ...this.#room.activity, connections: this.#connections.size }
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Adds what of it `/metrics` tells. */
  lookInto(state: Look): void {
    for (const connection of this.#connections.all) {
      state.connections[connection.attachment.kind]++
      state.send += LIMITS.ahead - connection.credit()
    }
    state.stuck += this.#room.stuck
    state.commit += this.#works.bytes
    state.telling += this.#teller?.waiting ?? 0
  }

  /** Sends everyone away; `clients`: how many come back elsewhere at the same time. */
  drain(clients: number): void {
    this.#room.sendAway(CLOSE.drain, 'drain', clients)
  }

  /** Tells the backend nothing more; resolves when what is on its way has arrived or not. */
  async stopTelling(): Promise<void> {
    this.#telling.set(null)
    await this.#teller?.stop()
  }

  /** The log goes away. */
  close(): void {
    this.#isClosed = true
    this.#alarm.set(null)
    this.#telling.set(null)
  }

  // ---- What the gateway asks ----

  command(command: Command): Promise<Reply> {
    this.#touched = Date.now()
    if (command.type === 'dead' || command.type === 'resend') {
      return this.#teller?.command(command) ?? Promise.resolve(NO_BACKEND)
    }
    return new Promise((resolve) => {
      this.#replies.ask(command, resolve, this.report, (ticket) => this.#room.command(ticket, command))
    })
  }

  dial(hello: Hello, leg: Leg): Wire {
    const connection = new LegConnection(leg, (code, reason, retryAfter) => {
      this.closed(connection)
      leg.closed(code, reason, retryAfter)
    })
    this.attach(connection, hello)
    const last = [this.#reads.at(-1), this.#gathered.at(-1)]
    const isRead = last.some((reading) => reading !== undefined && readerOf(reading) === connection)
    return {
      ...(isRead && { asked: connection.read() }),
      send: (text) => {
        if (connection.here.isIn) this.received(connection, text)
        return true
      },
      drained: () => this.drained(connection),
      finish: () => {
        this.#leaving.add(connection)
        this.#letGo(connection).catch(this.report)
      },
      close: () => this.closed(connection),
    }
  }

  /** Lets one go that says nothing more, when all that it asked for is answered and it has caught up (TCP-5). */
  async #letGo(connection: LegConnection): Promise<void> {
    // Asked for again when the next of them is answered.
    if (this.#clerk.awaits(connection) !== null || !this.#leaving.delete(connection)) return
    // Behind all that it published there is an outcome that is nobody's.
    await new Promise((resolve) => this.commit({ drafts: [], replyTo: this.#replies.expectWritten(resolve) }))
    // History is read in its turn, and it asked for that before.
    while (this.#reads.some((each) => readerOf(each) === connection))
      await new Promise((resolve) => setImmediate(resolve))
    await connection.caughtUp()
    if (connection.here.isIn) connection.close(DONE, '')
  }

  attach(connection: LocalConnection, hello: Hello): void {
    this.#guard(connection, () => {
      // Before it is let in: what it is greeted with may be its end.
      this.#connections.add(connection.here)
      if (!this.#room.open(connection, hello)) {
        this.#connections.delete(connection.here)
        return
      }
      this.#options.readings.opened[hello.kind]++
      this.#readAtOnce(connection)
    })
  }

  received(connection: Connection, data: string | Uint8Array): void {
    this.#guard(connection, () => this.#room.message(connection, data))
  }

  drained(connection: Connection): void {
    this.#guard(connection, () => this.#room.drained(connection))
  }

  closed(connection: LocalConnection): void {
    this.#touched = Date.now()
    this.#leaving.delete(connection)
    if (this.#connections.delete(connection.here)) this.#room.close(connection)
  }

  /** An error in what one connection caused ends that connection, and neither the room nor the process. */
  #guard(connection: Connection, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.report(error)
      this.#endBroken(connection)
    }
    this.#lookAfter()
  }

  #endBroken(connection: Connection): void {
    try {
      this.#room.end(connection, INTERNAL_ERROR, 'internal')
    } catch (error) {
      this.report(error)
      this.#end(connection, INTERNAL_ERROR, 'internal')
    }
  }

  /** Closes one that its room does not know of, or not any more. */
  #end(connection: Connection, code: number, reason: string): void {
    this.#options.readings.tally.closed(code)
    connection.close(code, reason)
  }

  #tellOfSlow(): void {
    const { tell, readings, name: room } = this.#options
    const connections = readings.tally.takeSlow()
    if (connections > 0) tell('info', SLOW, { room, connections })
  }

  /** While somebody is behind: sockets say when they drained, but not that they never will. */
  #lookAfter(): void {
    this.#tellOfSlow()
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
    this.#works.push(work, Date.now())
    this.#beat.request()
  }

  backlog(): number {
    return this.#works.bytes
  }

  knows(dedupeKey: string): boolean {
    return this.#works.knows(dedupeKey) || this.#log.knows(dedupeKey)
  }

  read(reader: Connection | HistoryRead, scan: Scan): void {
    if (this.#isResting && !('replyTo' in reader) && reader.attachment.kind === 'poll') {
      this.#gathered.push({ reader, scan })
    } else this.#readSoon([{ reader, scan }])
  }

  #readSoon(readings: readonly Reading[]): void {
    this.#reads.push(...readings)
    if (this.#isReading || readings.length === 0) return
    this.#isReading = true
    // Of the log that there is when a page is read: a failed commit makes another.
    const pages = this.#pages?.deref() ?? new Pages({ read: (scan: Scan) => this.#log.read(scan) })
    this.#pages = new WeakRef(pages)
    setImmediate(() => this.#readOn(pages))
  }

  /** What others have missed as well is said with the greeting, if nobody waits for a page. */
  #readAtOnce(connection: Connection): void {
    const [reading] = this.#reads
    if (reading === undefined || this.#reads.length > 1 || readerOf(reading) !== connection) return
    const page = this.#pages?.deref()?.known(reading.scan)
    if (page === undefined) return
    this.#reads.pop()
    readFor(this.#room, { read: () => page }, reading, this)
  }

  /** However many have come back at once, others have their turn in between. */
  #readOn(pages: Pages): void {
    // Without a log it has nobody in it either.
    if (this.#isClosed) this.#reads.length = 0
    const until = performance.now() + READING
    let count = 0
    while (count < this.#reads.length && (count === 0 || performance.now() < until)) {
      readFor(this.#room, pages, this.#reads[count++] as Reading, this)
    }
    this.#reads.splice(0, count)
    this.#isReading = this.#reads.length > 0
    if (this.#isReading) setImmediate(() => this.#readOn(pages))
  }

  reply(ticket: Ticket, reply: Reply, index?: number): void {
    this.#replies.answer(ticket, reply, index)
  }

  wakeAt(time: number | null): void {
    if (!this.#isClosed) this.#alarm.set(time)
  }

  ask(question: Question): boolean {
    const asking = this.#clerk.ask(question)
    const { line } = question
    asking?.then(() => (line instanceof LegConnection ? this.#letGo(line) : undefined)).catch(this.report)
    return asking !== null
  }

  awaits(connection: Connection): Question['hook'] | null {
    return this.#clerk.awaits(connection)
  }

  #told(answered: Answered): void {
    const { line } = answered
    if (this.#isClosed) return
    if (typeof line !== 'string') this.#guard(line, () => this.#room.verdict(answered))
    else this.#replies.guard(answered, this.report, () => this.#room.verdict(answered))
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

  readonly report = (error: unknown): void => reporter(this.#options.tell, { room: this.name })(error)

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
    this.#pages = undefined
    const { settled } = plan
    this.#log.confirm(plan)
    const { since } = this.#works
    this.#works.done()
    const started = performance.now()
    try {
      this.#room.settled({ ...settled, ...(since !== undefined && { since }) })
    } catch (error) {
      this.#lost(error, settled.outcomes)
      return
    }
    const took = performance.now() - started
    if (settled.entries.length > 0) {
      this.#options.readings.fanout.observe(took)
      if (since !== undefined) this.#options.readings.publish.observe(Date.now() - since)
    }
    if (settled.told) this.#teller?.added(settled.told)
    this.#lookAfter()
    // One step of pruning was not enough.
    if (this.#log.isDue(Date.now())) this.work()
    this.#isResting = true
    this.#rest(Math.min(took, LONGEST_REST))
  }

  /** Nothing was written. Unless the plan was, and whoever wrote it did not live to say so. */
  failed(why: string, plan?: Planned): void {
    this.#pages = undefined
    try {
      const log = this.#options.openLog()
      const stored = log.load()
      this.#log = log
      if (plan !== undefined && log.holds(plan)) {
        this.written(plan)
        return
      }
      this.#reborn(stored, why)
      this.#rest(SETBACK)
    } catch (error) {
      this.#forsake(error)
    }
  }

  /** The room is born again from what is. */
  #reborn(stored: Stored, why?: string): void {
    const { heard } = this.#room
    this.#room = this.#born(stored)
    revive(this.#room, { heard, works: this.#works, connections: this.#connections.all, head: stored.head, why })
    if (stored.waiting > 0) this.#teller?.added(0)
  }

  /**
   * What was written could not be told. Everyone is sent away, to come back with the cursor: who has heard what of it,
   * nobody can say. What came of it is known (`outcomes`).
   */
  #lost(error: unknown, outcomes: Settled['outcomes']): void {
    this.report(error)
    this.#replies.settle(outcomes)
    this.#sendAway()
    try {
      const log = this.#options.openLog()
      const stored = log.load()
      this.#log = log
      this.#reborn(stored)
      this.#rest(SETBACK)
    } catch (another) {
      this.#forsake(another)
    }
  }

  #sendAway(): void {
    try {
      this.#room.sendAway(CLOSE.storage, 'storage', this.#connections.size)
    } catch (error) {
      this.report(error)
    }
    for (const connection of this.#connections.all) {
      if (connection.isOpen) this.#end(connection, CLOSE.storage, 'storage')
      this.#connections.delete(connection.here)
    }
  }

  /** Not even what it was can be read: it is given up, and made anew when somebody asks for it. */
  #forsake(error: unknown): void {
    this.report(error)
    this.#sendAway()
    this.close()
    this.#teller?.stop().catch(this.report)
    this.#options.lost(this)
    this.#replies.forgetAll({ type: 'error', code: 'storage', message: 'The log cannot be read' })
  }

  /** Somebody who carries what the room has to tell, if there is a backend to hear it. */
  #hired(waiting: number): Teller | null {
    const { name, backend, tell } = this.#options
    if (backend === null || backend.tells(name).length === 0) return null
    const commit = (outbox: OutboxChange): Promise<boolean> =>
      new Promise((resolve) => {
        if (this.#isClosed) resolve(false)
        else this.commit({ drafts: [], change: { outbox }, replyTo: this.#replies.expectWritten(resolve) })
      })
    const wakeAt = (time: number): void => {
      if (!this.#isClosed) this.#telling.set(time)
    }
    const teller = new Teller({ room: name, backend, outbox: () => this.#log, commit, wakeAt, tell }, waiting)
    if (teller.at !== null) wakeAt(teller.at)
    return teller
  }

  #born(stored: Stored): Room<unknown> {
    const { name, limits, backend, room: Class } = this.#options
    return new Class(this, {
      name,
      limits,
      tells: backend?.tells(name) ?? [],
      asks: backend?.asks(name) ?? false,
      isRevoked: (by) => this.#options.isRevoked(by),
      tally: this.#options.readings.tally,
      ...stored,
    })
  }

  /** A timer has a millisecond's grain; a shorter rest is one turn of the event loop. */
  #rest(milliseconds: number): void {
    if (milliseconds < 0.5) setImmediate(() => this.#rested())
    else setTimeout(() => this.#rested(), milliseconds)
  }

  /** What came in meanwhile is written first, and those who poll have it with what they missed: in a busy room that is one answer for two. */
  #rested(): void {
    this.#isResting = false
    this.#beat.rested()
    if (this.#gathered.length === 0) return
    const gathered = this.#gathered
    this.#gathered = []
    setImmediate(() => {
      const through = this.#room.heard.position
      this.#readSoon(gathered.map(({ reader, scan }) => ({ reader, scan: { ...scan, through } })))
    })
  }
}
