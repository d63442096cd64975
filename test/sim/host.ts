import { limitsOf } from '../../src/gateway/access/limits.ts'
import type { Judgement } from '../../src/protocol/ask.ts'
import { CLOSE } from '../../src/protocol/codes.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { PresenceList } from '../../src/protocol/presence.ts'
import { Beat } from '../../src/room/beat.ts'
import type { MemoryLog } from '../../src/room/log/memory.ts'
import type {
  Command,
  Connection,
  Hello,
  HistoryRead,
  Reply,
  RoomHost,
  Scan,
  Settled,
  Work,
} from '../../src/room/ports.ts'
import type { MessageQuestion, Question } from '../../src/room/questions.ts'
import { type Pages, type Reading, readFor } from '../../src/room/reading.ts'
import { revive } from '../../src/room/rebirth.ts'
import { Replies } from '../../src/room/replies.ts'
import type { Room, RoomClass } from '../../src/room/room.ts'
import { Tally } from '../../src/room/tally.ts'
import { Verdicts } from '../../src/room/verdicts.ts'
import { WorkQueue } from '../../src/room/work-queue.ts'
import type { Random } from '../random.ts'
import type { Faults } from './faults.ts'
import { RecordedLog } from './recorded-log.ts'
import type { Wire } from './wire.ts'

export interface HostOptions {
  /** What the backend makes of a message with that data; absent: it is not asked. */
  readonly judge?: ((data: string) => Judgement) | undefined
  /** As a Durable Object does it: a commit is settled within the turn, and the room may sleep. Else as Node does. */
  readonly isEdge: boolean
  readonly room: RoomClass
  readonly presence: number
  readonly log: MemoryLog
  readonly faults: Faults
  readonly random: Random
}

export interface Step {
  readonly name: string
  readonly weight: number
  run(): void
}

/** Bytes that one commit takes on the edge: little, so that some are split. */
const TURN_BYTES = 1500

/** One runtime as far as a room can tell, on a clock that stands until it is moved. */
export class Host implements RoomHost {
  readonly #options: HostOptions
  readonly #log: RecordedLog
  readonly errors: unknown[] = []
  readonly wires = new Set<Wire>()
  room!: Room<unknown>
  #works = new WorkQueue()
  #replies = new Replies()
  #beat = new Beat(() => {})
  #reads: Reading[] = []
  #pages: Pages
  #verdicts = new Verdicts(() => {})
  /** What the backend has not answered yet. */
  #asked: MessageQuestion[] = []
  #isDue = false
  #committing: readonly Work[] | undefined
  #isResting = false
  #alarm: number | null = null
  #now = 1_800_000_000_000
  #ids = 0
  /** How often the alarm was set, as the edge is charged for it. */
  alarms = 0

  constructor(options: HostOptions) {
    this.#options = options
    this.#log = new RecordedLog(options.log, options.faults)
    this.#pages = this.#log.newPages()
    this.#start()
  }

  // ---- What clients do ----

  open(wire: Wire, hello: Hello): boolean {
    if (hello.kind !== 'websocket') this.#endAtOnce(wire)
    let isIn = false
    this.#guard(wire, () => {
      isIn = this.room.open(wire, hello)
      if (isIn && !(wire.isEnded && !this.#options.isEdge)) this.wires.add(wire)
    })
    if (this.#options.isEdge && wire.isAnswered) this.gone(wire)
    return isIn
  }

  receive(wire: Wire): void {
    const text = wire.toServer.shift()
    if (text !== undefined) this.#guard(wire, () => this.room.message(wire, text))
  }

  drained(wire: Wire): void {
    if (!this.#options.isEdge && this.wires.has(wire)) this.#guard(wire, () => this.room.drained(wire))
  }

  /** The server notices that a wire's other end is gone. */
  gone(wire: Wire): void {
    if (this.wires.delete(wire)) this.#turn(() => this.room.close(wire))
  }

  command(command: Command, done: (reply: Reply) => void): void {
    const ticket = this.#replies.expect(command, done)
    this.#turn(() => this.room.command(ticket, command))
  }

  // ---- What may happen next ----

  steps(): Step[] {
    const steps: Step[] = []
    const may = (is: boolean, name: string, weight: number, run: () => void): void => {
      if (is) steps.push({ name, weight, run })
    }
    may(this.#asked.length > 0, 'answer', 5, () => this.#answer())
    may(this.#reads.length > 0, 'read', 8, () => this.#read())
    may(this.#isDue && this.#committing === undefined, 'commit', 6, () => this.#commit())
    may(this.#committing !== undefined, 'settle', 6, () => this.#settle())
    may(this.#isResting, 'rest', 6, () => {
      this.#isResting = false
      this.#turn(() => this.#beat.rested())
    })
    may(this.room.hasStuck, 'look after', 1, () => this.#turn(() => this.room.lookAfter()))
    may(this.#alarm !== null && this.#alarm <= this.#now, 'alarm', 8, () => this.#ring())
    return steps
  }

  passes(milliseconds: number): void {
    this.#now += milliseconds
  }

  get nextAlarm(): number | null {
    return this.#alarm
  }

  /** Does it sleep when it is left alone? Only on the edge, and not while something is under way. */
  get maySleep(): boolean {
    const isQuiet = this.#works.isEmpty && !this.#isDue && !this.#isResting && this.#replies.size === 0
    return this.#options.isEdge && isQuiet && this.#verdicts.isEmpty && !this.room.hasStuck
  }

  /** All that was ever committed, in the order of the feed. */
  get feed(): Entry[] {
    return this.#log.feed
  }

  /** What of it was logged. */
  get log(): Entry[] {
    return this.#log.logged
  }

  get head(): string {
    return this.#log.head
  }

  /** The place before the oldest message that is kept. */
  get floor(): string {
    return this.#log.floor
  }

  /** Who is here, as the room says. */
  get present(): PresenceList {
    let list: PresenceList | undefined
    this.command({ type: 'presence' }, (reply) => {
      if (reply.type === 'presence') list = reply.list
    })
    return list as PresenceList
  }

  /** Is a backend asked about messages? */
  get asks(): boolean {
    return this.#options.judge !== undefined
  }

  /** The room is forgotten; its sockets and what was committed stay. */
  sleep(): void {
    this.room = this.#born()
    this.#turn(() => this.room.wake(this.wires))
  }

  /** The process dies, or the object is reset: all wires are cut, and what was not committed is lost. */
  crash(): void {
    const { random } = this.#options
    if (this.#committing !== undefined && random.chance(0.5)) this.#log.append(this.#committing, this.#now)
    for (const wire of this.wires) {
      for (let n = random.whole(0, wire.toClient.length); n > 0; n--) wire.arrive()
      wire.cut(0)
    }
    this.wires.clear()
    this.#replies.forgetAll({ type: 'error', code: 'internal', message: 'The process has died' })
    this.#start()
  }

  // ---- RoomHost ----

  commit(work: Work): void {
    this.#works.push(work, this.#now)
    this.#beat.request()
  }

  backlog(): number {
    return this.#works.bytes
  }

  knows(dedupeKey: string): boolean {
    return this.#works.knows(dedupeKey) || this.#log.knows(dedupeKey)
  }

  read(reader: Connection | HistoryRead, scan: Scan): void {
    this.#reads.push({ reader, scan })
  }

  reply(ticket: number, reply: Reply, index?: number): void {
    this.#replies.answer(ticket, reply, index)
  }

  wakeAt(time: number | null): void {
    if (this.#options.isEdge && (time === null || (this.#alarm !== null && this.#alarm <= time))) return
    if (time !== null && time !== this.#alarm) this.alarms++
    this.#alarm = time
  }

  ask(question: Question): boolean {
    const isTaken = this.#verdicts.add(question)
    if (isTaken && question.hook === 'message') this.#asked.push(question)
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
    this.errors.push(error)
  }

  // ---- How it works: as src/node/local-room.ts and src/cloudflare/room-object.ts do ----

  #start(): void {
    this.#works = new WorkQueue()
    this.#replies = new Replies()
    this.#reads = []
    this.#asked = []
    this.#verdicts = new Verdicts((answered) => this.#turn(() => this.room.verdict(answered)))
    this.#committing = undefined
    this.#isDue = false
    this.#isResting = false
    if (!this.#options.isEdge) this.#alarm = null
    this.#beat = new Beat(() => {
      this.#isDue = true
    })
    this.room = this.#born()
    this.#turn(() => this.room.wake([]))
  }

  #born(): Room<unknown> {
    const { room: Class, presence, judge } = this.#options
    return new Class(this, {
      name: 'lobby',
      limits: { ...limitsOf({}, 'loopback'), presence },
      asks: judge !== undefined,
      tally: new Tally(),
      ...this.#log.load(),
    })
  }

  #turn(call: () => void): void {
    call()
    if (!this.#options.isEdge) return
    while (this.#isDue || this.#reads.length > 0) {
      if (this.#reads.length > 0) this.#read()
      else this.#commit()
    }
  }

  #guard(wire: Wire, act: () => void): void {
    try {
      this.#turn(act)
    } catch (error) {
      this.report(error)
      wire.close(1011)
    }
  }

  /** On Node a gateway's own end of a poll or stream goes in the same call; on the edge the Worker's close comes later. */
  #endAtOnce(wire: Wire): void {
    if (this.#options.isEdge) return
    wire.onEnd = () => {
      this.wires.delete(wire)
      this.room.close(wire)
    }
  }

  /** Any of them, whatever the order in which they were asked. */
  #answer(): void {
    const { random, judge } = this.#options
    const [question] = this.#asked.splice(random.whole(0, this.#asked.length - 1), 1)
    if (question === undefined || judge === undefined) return
    const verdicts = question.messages.map(({ publication }) => judge(JSON.parse(`{${publication.body.member}}`).data))
    this.#verdicts.decided(question, { ...question, verdicts })
  }

  #read(): void {
    const read = this.#reads.shift()
    if (read === undefined) return
    readFor(this.room, this.#pages, read, this)
  }

  #commit(): void {
    this.#isDue = false
    const { isEdge } = this.#options
    this.#committing = this.#works.take(isEdge ? TURN_BYTES : undefined)
    if (isEdge) this.#settle()
  }

  #settle(): void {
    this.#pages = this.#log.newPages()
    const works = this.#committing as readonly Work[]
    this.#committing = undefined
    const settled = this.#written(works)
    try {
      if (settled === null) this.#reborn()
      else {
        this.#works.done()
        // What cannot be told is found out before or after others have heard of it.
        const isHeard = this.#options.random.chance(0.5)
        if (!isHeard) this.#options.faults.hit('tell')
        this.room.settled(settled)
        if (isHeard) this.#options.faults.hit('tell')
      }
    } catch (error) {
      this.report(error)
      this.#lost(settled?.outcomes ?? [])
    }
    if (!this.#works.isEmpty) this.#beat.request()
    this.#isResting = true
  }

  #written(works: readonly Work[]): Settled | null {
    try {
      return this.#log.write(works, this.#now)
    } catch (error) {
      this.report(error)
      return null
    }
  }

  #reborn(): void {
    const { heard } = this.room
    this.room = this.#born()
    const { head } = this.#log.load()
    revive(this.room, { heard, works: this.#works, connections: this.wires, head })
  }

  #lost(outcomes: Settled['outcomes']): void {
    this.#replies.settle(outcomes)
    this.room.sendAway(CLOSE.storage, 'storage', this.wires.size)
    this.wires.clear()
    this.#reborn()
  }

  #ring(): void {
    this.#alarm = null
    this.#turn(() => this.room.alarm())
  }
}
