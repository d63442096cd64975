import { limitsOf } from '../../../src/gateway/access/limits.ts'
import type { Judgement } from '../../../src/protocol/ask.ts'
import { type CodecName, codecs, type Pack } from '../../../src/protocol/codec/index.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { parsePublication } from '../../../src/protocol/operations.ts'
import { MemoryLog } from '../../../src/room/log/memory.ts'
import type {
  Attachment,
  Command,
  Connection,
  Hello,
  HistoryRead,
  Reply,
  RoomHost,
  Scan,
  Verdict,
  Work,
} from '../../../src/room/ports.ts'
import type { Answered, Question } from '../../../src/room/questions.ts'
import { Replies } from '../../../src/room/replies.ts'
import { Room, type RoomClass } from '../../../src/room/room.ts'
import { Tally } from '../../../src/room/tally.ts'
import { Verdicts } from '../../../src/room/verdicts.ts'
import { WorkQueue } from '../../../src/room/work-queue.ts'

/** A wire without a network: what the room writes is kept, and how much it takes can be set. */
export class VirtualConnection implements Connection {
  attachment!: Attachment
  credits = Number.POSITIVE_INFINITY
  closed: { code: number; reason: string } | undefined
  readonly frames: (string | Uint8Array)[] = []

  get isOpen(): boolean {
    return this.closed === undefined
  }

  attach(attachment: Attachment): void {
    // As the edge stores it: what does not survive JSON would not survive a sleep.
    this.attachment = JSON.parse(JSON.stringify(attachment))
  }

  write(pack: Pack): void {
    this.frames.push(...pack.frames)
    this.credits -= pack.size
  }

  credit(): number {
    return this.credits
  }

  confirm(): void {}

  close(code: number, reason: string): void {
    this.closed ??= { code, reason }
  }

  /** Framed: every event so far, the welcome without what differs between any two connections. */
  get events(): Record<string, unknown>[] {
    return this.frames.flatMap((frame) => JSON.parse(frame as string) as Record<string, unknown>[])
  }

  get messages(): unknown[] {
    return this.events.filter((event) => event.type === 'message').map((event) => event.data)
  }
}

/**
 * A host with a clock that stands until it is moved, and effects that wait until they are let happen: so each order of
 * events can be played, and the same one again.
 */
export class World implements RoomHost {
  room: Room<unknown>
  readonly log = new MemoryLog('test00')
  readonly connections = new Set<VirtualConnection>()
  readonly replies: Reply[] = []
  readonly #pending = new Replies()
  readonly reported: unknown[] = []
  readonly tally = new Tally()
  readonly #class: RoomClass
  readonly #amnesia: boolean
  readonly #judge: ((data: string) => Judgement) | undefined
  readonly #works = new WorkQueue()
  readonly #asked: Exclude<Question, { hook: 'turn' }>[] = []
  readonly #verdicts = new Verdicts((answered) => {
    this.#event()
    this.room.verdict(answered)
  })
  readonly #reads: { reader: Connection | HistoryRead; scan: Scan }[] = []
  #now = 1_700_000_000_000
  #wakeAt: number | null = null
  #ids = 0

  /**
   * With `amnesia` the room is thrown away and born again before every event, unless something waits for its commit. With
   * `judge` it has a backend, which is asked about messages.
   */
  constructor(options: { room?: RoomClass; amnesia?: boolean; judge?: (data: string) => Judgement } = {}) {
    this.#judge = options.judge
    this.#class = options.room ?? Room
    this.#amnesia = options.amnesia ?? false
    this.room = this.#born()
  }

  connect(hello: Partial<Hello> & { session: string }): VirtualConnection {
    const connection = new VirtualConnection()
    const codec: CodecName = hello.codec ?? 'framed'
    this.#event()
    if (this.room.open(connection, { kind: 'websocket', ...hello, codec })) this.connections.add(connection)
    return connection
  }

  says(connection: VirtualConnection, ...operations: unknown[]): void {
    for (const operation of operations) {
      this.#event()
      const isText = typeof operation === 'string' || operation instanceof Uint8Array
      this.room.message(connection, isText ? operation : JSON.stringify(operation))
    }
  }

  leaves(connection: VirtualConnection): void {
    this.#event()
    this.connections.delete(connection)
    this.room.close(connection)
  }

  asks(command: Command): void {
    this.#event()
    this.room.command(
      this.#pending.expect(command, (reply) => this.replies.push(reply)),
      command,
    )
  }

  publishes(body: unknown, session?: string): void {
    const publication = parsePublication(JSON.stringify(body), LIMITS.payload)
    this.asks({ type: 'publish', publication, ...(session !== undefined && { session }) })
  }

  /** Lets one effect happen: all that waits for its commit, or one read. False: there is none. */
  step(): boolean {
    if (this.answers()) return true
    const read = this.#reads.shift()
    if (read === undefined && this.#works.isEmpty) return false
    this.#event()
    if (read !== undefined) this.room.page(read.reader, this.log.read(read.scan))
    else {
      const settled = this.log.append(this.#works.take(), this.#now)
      this.#works.done()
      this.room.settled(settled)
    }
    return true
  }

  /** Would a host that commits little at a time commit all of what waits together? */
  get isWhole(): boolean {
    return this.#works.waiting.slice(1).every(({ withPrevious }) => withPrevious)
  }

  /** Lets one answer arrive, of the questions that were asked: the first, or another. False: there is none. */
  answers(index = 0): boolean {
    const [asked] = this.#asked.splice(index, 1)
    if (asked !== undefined) this.#verdicts.decided(asked, this.#answered(asked))
    return asked !== undefined
  }

  #answered(asked: Exclude<Question, { hook: 'turn' }>): Answered {
    if (asked.hook === 'auth') {
      return { ...asked, verdict: this.verdicts.get(asked.token) ?? { error: 'unauthorized', message: 'no' } }
    }
    const pass: Judgement = { rewrite: {} }
    const judged = asked.messages.map(({ draft }) => this.#judge?.(draft.body.member) ?? pass)
    return { ...asked, verdicts: judged }
  }

  /** Lets everything happen. */
  settles(): void {
    while (this.step());
  }

  passes(milliseconds: number): void {
    this.#now += milliseconds
    if (this.#wakeAt === null || this.#wakeAt > this.#now) return
    this.#wakeAt = null
    this.#event()
    this.room.alarm()
  }

  drains(connection: VirtualConnection, credits: number): void {
    connection.credits = credits
    this.#event()
    this.room.drained(connection)
  }

  // ---- RoomHost ----

  commit(work: Work): void {
    this.#works.push(work, this.#now)
  }

  backlog(): number {
    return this.#works.bytes
  }

  knows(dedupeKey: string): boolean {
    return this.#works.knows(dedupeKey) || this.log.knows(dedupeKey)
  }

  read(reader: Connection | HistoryRead, scan: Scan): void {
    this.#reads.push({ reader, scan })
  }

  reply(ticket: number, reply: Reply, index?: number): void {
    this.#pending.answer(ticket, reply, index)
  }

  wakeAt(time: number | null): void {
    this.#wakeAt = time
  }

  /** `grants` in place of a token, for who connects. */
  readonly verdicts = new Map<string, Verdict>()

  ask(question: Question): boolean {
    const isTaken = this.#verdicts.add(question)
    if (isTaken && question.hook !== 'turn') this.#asked.push(question)
    return isTaken
  }

  awaits(connection: Connection): Question['hook'] | null {
    return this.#verdicts.awaits(connection)
  }

  now(): number {
    return this.#now
  }

  retryAfter(): number {
    return 1
  }

  randomId(): string {
    return `id${++this.#ids}`
  }

  report(error: unknown): void {
    this.reported.push(error)
  }

  #event(): void {
    for (const connection of this.connections) {
      // The gateway ends a poll that was answered.
      if (connection.attachment?.codec !== 'poll' || connection.frames.length === 0) continue
      this.connections.delete(connection)
      this.room.close(connection)
    }
    // No host is born again while something waits for its commit.
    if (this.#amnesia && this.#works.isEmpty) this.room = this.#born()
  }

  #born(): Room<unknown> {
    const Class = this.#class
    const room = new Class(this, {
      name: 'lobby',
      limits: { ...limitsOf({}, 'loopback'), presence: 5 },
      asks: this.#judge !== undefined,
      tally: this.tally,
      ...this.log.load(),
    })
    room.wake(this.connections)
    return room
  }
}

export const codecNames = Object.keys(codecs) as CodecName[]
