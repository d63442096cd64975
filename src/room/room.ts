import type { Identity } from '../protocol/capabilities.ts'
import { Answers } from './answers.ts'
import { Callbacks } from './callbacks.ts'
import { ClientOperations } from './client-operations.ts'
import { Doorkeeper, EXPIRED } from './doorkeeper.ts'
import { Entrance } from './entrance.ts'
import { headPosition } from './extent.ts'
import { Fanout } from './fanout.ts'
import { RoomFigures } from './figures.ts'
import { GatewayCommands } from './gateway-commands.ts'
import { HistoryRequests } from './history-requests.ts'
import { Incoming, toBody } from './incoming.ts'
import type { Activity } from './info.ts'
import { Overview } from './overview.ts'
import { Participants } from './participants.ts'
import type {
  Birth,
  Command,
  Connection,
  Heard,
  Hello,
  HistoryRead,
  Page,
  RoomHost,
  RoomLimits,
  Settled,
  Ticket,
} from './ports.ts'
import type { Answered, Submission } from './questions.ts'
import { Rates } from './rates.ts'
import type { Session } from './sessions.ts'
import { Submissions } from './submissions.ts'
import type { Tally } from './tally.ts'
import { WakeUp } from './wake-up.ts'

export type { Session }
export type RoomClass = new (...args: ConstructorParameters<typeof Room>) => Room<unknown>

export interface BroadcastOptions {
  /** Session ids that do not get it. */
  readonly except?: readonly string[]
  /** The session that it comes from; absent: the room itself. */
  readonly from?: Session
  readonly event?: string
  /** For those attached now; not logged. */
  readonly ephemeral?: boolean
}

/**
 * One room: decides what becomes of what its participants send. Synchronous, without clock, timer or I/O of its own:
 * the host hands these in, and so the same class runs on Node, in a Durable Object and in a simulation.
 * It may be thrown away between any two events at which nothing waits for its commit, and be born again from what its
 * host holds.
 *
 * Applications extend it and override `onOpen`, `onMessage`, `onClose`, `onError`.
 */
export class Room<State = unknown> {
  readonly name: string
  readonly #host: RoomHost
  readonly #limits: RoomLimits
  readonly #tally: Tally
  readonly #doorkeeper: Doorkeeper
  readonly #wakeUp: WakeUp
  readonly #participants: Participants
  readonly #figures = new RoomFigures()
  readonly #fanout: Fanout
  readonly #answers: Answers
  readonly #callbacks: Callbacks<State>
  readonly #submissions: Submissions
  readonly #histories: HistoryRequests
  readonly #overview: Overview
  readonly #entrance: Entrance
  readonly #operations: ClientOperations
  readonly #commands: GatewayCommands

  constructor(host: RoomHost, birth: Birth) {
    const { name, limits, tally } = birth
    this.name = name
    this.#host = host
    this.#limits = limits
    this.#tally = tally
    const rates = new Rates(limits)
    const doorkeeper = new Doorkeeper(birth, () => ({ participants, fanout }))
    const wakeUp = new WakeUp(host, doorkeeper)
    const participants = new Participants(host, birth, {
      opened: (session, happening) => callbacks.call(session, () => this.onOpen(session), happening),
      ended: (session, happening) => callbacks.call(session, () => this.onClose(session), happening),
      commit: (happening) => host.commit(happening),
      wakeAt: (time) => wakeUp.forSession(time),
      keepsSessions: this.onOpen !== Room.prototype.onOpen || this.onClose !== Room.prototype.onClose,
    })
    const figures = this.#figures
    const fanout = new Fanout(host, birth, participants.presence, figures, (connection) => {
      doorkeeper.leave(connection)
      rates.leave(connection)
      participants.leave(connection)
    })
    const answers = new Answers(host, fanout)
    const callbacks = new Callbacks<State>(birth.state, {
      host,
      answers,
      onError: (session, error) => this.onError(session, error),
    })
    const submissions = new Submissions({
      host,
      doorkeeper,
      answers,
      asks: birth.asks ?? false,
      acts: this.onMessage !== Room.prototype.onMessage,
      publish: (submission) => this.#publish(submission),
    })
    const histories = new HistoryRequests(host, limits, fanout, answers)
    const overview = new Overview({ name, host, participants, fanout, figures })
    const asked = { host, limits, doorkeeper, wakeUp, participants, fanout, answers, rates, submissions, histories }
    this.#entrance = new Entrance({ name, host, doorkeeper, participants, fanout, rates, wakeUp, tally })
    this.#operations = new ClientOperations(asked)
    this.#commands = new GatewayCommands({ ...asked, overview })
    this.#doorkeeper = doorkeeper
    this.#wakeUp = wakeUp
    this.#participants = participants
    this.#fanout = fanout
    this.#answers = answers
    this.#callbacks = callbacks
    this.#submissions = submissions
    this.#histories = histories
    this.#overview = overview
  }

  // ---- What applications override ----

  /** A session begins. */
  onOpen(_session: Session): void {}

  /**
   * `session` is null when a backend published over HTTP for nobody. Default: the message is published as it is.
   * Throw a `Refusal` to tell the sender why not; what the callback did until then is undone.
   */
  onMessage(_session: Session | null, message: Incoming): void {
    this.#callbacks.draft(message.draft)
  }

  /** A session has ended, its grace over. */
  onClose(_session: Session): void {}

  /** A callback threw; what it did was undone, and whoever asked has been told `internal`. */
  onError(_session: Session | null, error: unknown): void {
    this.#host.report(error)
  }

  // ---- What applications call ----

  /** JSON of at most 64 KiB, committed with what a callback broadcasts, and so there again after a sleep. */
  get state(): State | null {
    return this.#callbacks.state
  }

  set state(state: State | null) {
    this.#callbacks.state = state
  }

  /** Publishes to everyone in the room. @throws Refusal `too_large`, `not_unicode` */
  broadcast(data: unknown, options: BroadcastOptions = {}): void {
    const { except, from, event, ephemeral = false } = options
    this.#callbacks.draft({
      id: this.#host.randomId(),
      body: toBody(data, this.#limits.payload),
      ...(from !== undefined && { from: from.id, ...(from.user !== undefined && { user: from.user }) }),
      ...(event !== undefined && { event }),
      ...(except !== undefined && { audience: { except } }),
      ephemeral,
    })
  }

  /** Publishes to one session alone. @throws Refusal `too_large`, `not_unicode` */
  send(session: Session, data: unknown): void {
    this.#callbacks.draft({
      id: this.#host.randomId(),
      body: toBody(data, this.#limits.payload),
      audience: { to: { sessions: [session.id] } },
    })
  }

  // ---- What the host calls ----

  /**
   * Once after birth: takes the connections that are there in again, and starts the grace of sessions without any.
   * `heard`: of the room before, whose last commit failed, or was written and could not be told.
   */
  wake(connections: Iterable<Connection>, heard?: Heard): void {
    this.#fanout.isFailing = heard !== undefined
    this.#entrance.returned(connections, heard)
  }

  /** A connection that the gateway has let in. False: the room has not, and has closed it. */
  open(connection: Connection, hello: Hello): boolean {
    this.#participants.expire()
    return this.#entrance.arrived(connection, hello)
  }

  /** A WebSocket message, or a line. */
  message(connection: Connection, data: string | Uint8Array): void {
    this.#operations.receive(connection, data)
  }

  /** The connection is gone. */
  close(connection: Connection): void {
    this.#fanout.leave(connection)
  }

  /** A request from the gateway. */
  command(ticket: Ticket, command: Command): void {
    this.#participants.expire()
    this.#commands.carryOut(ticket, command)
  }

  /** Commit, then deliver: what the log now holds goes out, and who asked for it is told. */
  settled({ entries, outcomes, head, since }: Settled): void {
    this.#tally.committed(entries)
    const counts = this.#participants.presence.settled(entries)
    this.#fanout.deliver(entries, head)
    this.#figures.settled(entries, this.#host.now(), since)
    if (counts.length > 0) this.#host.commit({ drafts: counts })
    this.#answers.tellAll(outcomes)
  }

  /** What was read, for a connection that catches up or for a request for history. */
  page(reader: Connection | HistoryRead, page: Page): void {
    if ('replyTo' in reader) this.#histories.answer(reader, page)
    else this.#fanout.page(reader, page)
  }

  /** A connection that was behind can take more. */
  drained(connection: Connection): void {
    this.#fanout.drained(connection)
  }

  /** Is somebody behind? Then the host has `lookAfter` called every so often. */
  get hasStuck(): boolean {
    return this.stuck > 0
  }

  /** How many are behind because they do not read. */
  get stuck(): number {
    return this.#fanout.stuck
  }

  /** Sends to those who read again, where the transport does not say so, and gives up those who have not for long. */
  lookAfter(): void {
    this.#fanout.lookAfter(this.#host.now())
  }

  /** The host ends one, saying why where that can be said. */
  end(connection: Connection, code: number, reason: string): void {
    this.#fanout.close(connection, code, reason)
  }

  /** The host sends everyone away, with advice when to come back that is spread over so many. */
  sendAway(code: number, reason: string, clients: number): void {
    for (const connection of this.#fanout.connections()) {
      this.#fanout.close(connection, code, reason, this.#host.retryAfter(clients))
    }
  }

  /** The time that was asked for with `wakeAt` has come. */
  alarm(): void {
    for (const connection of this.#doorkeeper.ended(this.#host.now())) {
      this.#fanout.close(connection, EXPIRED.code, EXPIRED.reason)
    }
    this.#participants.wake()
    this.#wakeUp.schedule()
  }

  /** How much happens, in O(1). */
  get activity(): Omit<Activity, 'connections'> {
    return this.#overview.activity
  }

  get heard(): Heard {
    return { position: headPosition(this.#fanout.head), rev: this.#participants.presence.rev }
  }

  isRevoked(by: Identity): boolean {
    return this.#doorkeeper.isRevoked(by, this.#host.now())
  }

  /** What was asked with `host.ask` is known. */
  verdict(answered: Answered): void {
    if (answered.hook === 'message') this.#submissions.judged(answered, answered.verdicts)
    else if (answered.hook === 'auth') this.#operations.renew(answered, answered.verdict)
    else this.#operations.resume(answered)
  }

  #publish(submission: Submission): void {
    const { publication, draft, session, replyTo } = submission
    const incoming = new Incoming(publication, draft)
    const happening = { drafts: [], ...(replyTo && { replyTo }) }
    this.#callbacks.call(session, () => this.onMessage(session, incoming), happening, draft)
  }
}
