import { Pack } from '../protocol/codec/index.ts'
import { CLOSE, TOO_BIG } from '../protocol/codes.ts'
import { formatCursor } from '../protocol/cursor.ts'
import type { Draft } from '../protocol/entry.ts'
import { Refusal } from '../protocol/errors.ts'
import { errorEvent, historyEvent, type Item, PING_TEXT, PONG, PONG_TEXT } from '../protocol/events.ts'
import { frameLimit, LIMITS } from '../protocol/limits.ts'
import type { HistoryQuery, Operation, Publication } from '../protocol/operations.ts'
import { arrive } from './arrival.ts'
import { Callbacks } from './callbacks.ts'
import { headPosition } from './extent.ts'
import { Fanout } from './fanout.ts'
import { planHistory, toHistoryPage } from './history.ts'
import { Incoming, plainPublication, readOperations, toBody, toDraft } from './incoming.ts'
import { toEvent, toReply } from './outcomes.ts'
import type {
  Birth,
  Change,
  Command,
  Connection,
  Head,
  Hello,
  HistoryRead,
  Info,
  Kind,
  Outcome,
  Page,
  ReplyTo,
  RoomHost,
  Settled,
} from './ports.ts'
import { type Session, Sessions, sessionOf } from './sessions.ts'

export type { Session }

export interface BroadcastOptions {
  /** Session ids that do not get it. */
  readonly except?: readonly string[]
  /** The session that it comes from; absent: the room itself. */
  readonly from?: Session
  readonly event?: string
  /** For those attached now; not logged. */
  readonly ephemeral?: boolean
}

const PONG_PACK = new Pack([PONG_TEXT])

/**
 * One room: decides what becomes of what its participants send. Synchronous, without clock, timer or I/O of its own:
 * the host hands these in, and so the same class runs on Node, in a Durable Object and in a simulation.
 * It may be thrown away between any two events and be born again from what its host holds.
 *
 * Applications extend it and override `onOpen`, `onMessage`, `onClose`, `onError`.
 */
export class Room<State = unknown> {
  readonly name: string
  readonly #host: RoomHost
  readonly #fanout: Fanout
  readonly #sessions: Sessions
  readonly #payloadLimit: number
  readonly #awakeSince: number
  readonly #callbacks: Callbacks<State>
  #head: Head

  constructor(host: RoomHost, birth: Birth) {
    this.name = birth.name
    this.#callbacks = new Callbacks<State>(birth.state)
    this.#host = host
    this.#head = birth.head
    this.#payloadLimit = birth.payloadLimit
    this.#awakeSince = host.now()
    this.#fanout = new Fanout(host, birth.head)
    this.#sessions = new Sessions(birth.sessions, LIMITS.grace, host.now())
  }

  // ---- What applications override ----

  /** A session begins. */
  onOpen(_session: Session): void {}

  /**
   * `session` is null when a backend published over HTTP for nobody. Default: the message is published as it is.
   * Throw a `Refusal` to tell the sender why not; what the callback did until then is undone.
   */
  onMessage(_session: Session | null, message: Incoming): void {
    this.#draft(message.draft)
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
    this.#draft({
      id: this.#host.randomId(),
      body: toBody(data, this.#payloadLimit),
      ...(from !== undefined && { from: from.id, ...(from.user !== undefined && { user: from.user }) }),
      ...(event !== undefined && { event }),
      ...(except !== undefined && { audience: { except } }),
      ephemeral,
    })
  }

  /** Publishes to one session alone. @throws Refusal `too_large`, `not_unicode` */
  send(session: Session, data: unknown): void {
    this.#draft({
      id: this.#host.randomId(),
      body: toBody(data, this.#payloadLimit),
      audience: { to: { sessions: [session.id] } },
    })
  }

  // ---- What the host calls ----

  /** Once after birth: takes the connections that are there in again, and starts the grace of sessions without any. */
  wake(connections: Iterable<Connection>): void {
    for (const connection of connections) {
      const attached = this.#sessions.attach(sessionOf(connection))
      this.#fanout.join(connection)
      if (attached !== false) this.#begin(attached)
    }
    this.#scheduleExpiry()
  }

  /** A connection that the gateway has let in. */
  open(connection: Connection, hello: Hello): void {
    this.#expire()
    const { session: id, user, kind, codec } = hello
    const attached = this.#sessions.attach({ id, ...(user !== undefined && { user }) })
    if (!attached) {
      connection.close(CLOSE.forbidden, 'this session belongs to another user')
      return
    }
    const { at, greeting, gap } = arrive(this.name, this.#head, hello)
    if (gap !== undefined && codec === 'plain') {
      this.#sessions.detach(id, this.#host.now())
      connection.close(CLOSE.gap, 'gap')
      return
    }
    connection.attach({
      kind,
      codec,
      session: id,
      ...(user !== undefined && { user }),
      ...(at !== undefined && { at }),
    })
    this.#fanout.join(connection, greeting)
    this.#begin(attached)
  }

  /** A WebSocket message. */
  message(connection: Connection, data: string | Uint8Array): void {
    if (data === PING_TEXT) this.#fanout.write(connection, PONG_PACK)
    else if (data.length > frameLimit(this.#payloadLimit)) this.#fanout.close(connection, TOO_BIG, 'too_large')
    else if (connection.attachment.codec === 'plain') this.#plainMessage(connection, data)
    else this.#framedMessage(connection, data)
  }

  /** The connection is gone. */
  close(connection: Connection): void {
    if (!this.#fanout.leave(connection)) return
    const { session, kind } = connection.attachment
    const wasLast = this.#sessions.detach(session, this.#host.now())
    // A poll is back in a moment: its session's end is written only if the alarm finds it still away.
    if (wasLast && kind !== 'poll') this.#storeEnds()
    this.#scheduleExpiry()
  }

  /** A request from the gateway. */
  command(ticket: number, command: Command): void {
    switch (command.type) {
      case 'publish': {
        const { publication, session: id, user } = command
        const session = id === undefined ? null : { id, ...(user !== undefined && { user }) }
        this.#receive(publication, session, { ticket, id: publication.id ?? this.#host.randomId() })
        return
      }
      case 'history':
        this.#history({ reader: command.reader, replyTo: { ticket } }, command.query)
        return
      case 'info':
        this.#host.reply(ticket, { type: 'info', info: this.#info() })
        return
    }
  }

  /** Commit, then deliver: what the log now holds goes out, and who asked for it is told. */
  settled({ entries, outcomes, head }: Settled): void {
    this.#head = head
    this.#fanout.deliver(entries, head)
    const told = new Map<Connection, Item[]>()
    for (const { replyTo, outcome } of outcomes) {
      if ('ticket' in replyTo) this.#host.reply(replyTo.ticket, toReply(replyTo.id, outcome))
      else {
        const items = told.get(replyTo.connection) ?? []
        items.push(toEvent(replyTo, outcome))
        told.set(replyTo.connection, items)
      }
    }
    for (const [connection, items] of told) this.#fanout.tell(connection, items)
  }

  /** What was read, for a connection that catches up or for a request for history. */
  page(reader: Connection | HistoryRead, page: Page): void {
    if (!('replyTo' in reader)) {
      this.#fanout.page(reader, page)
      return
    }
    const history = toHistoryPage(this.#head, reader, page)
    const { replyTo } = reader
    if ('ticket' in replyTo) this.#host.reply(replyTo.ticket, { type: 'history', page: history })
    else if (replyTo.connection.credit() > 0)
      this.#fanout.tell(replyTo.connection, [historyEvent(replyTo.ref, history)])
    else
      this.#fanout.tell(replyTo.connection, [
        errorEvent(replyTo.ref, 'busy', 'Read what you asked for before you ask for more'),
      ])
  }

  /** A connection that was behind can take more. */
  drained(connection: Connection): void {
    this.#fanout.drained(connection)
  }

  /** Connections that wait for their reader. The host looks after them where the transport does not say that it drained. */
  get stuck(): readonly Connection[] {
    return this.#fanout.stuck
  }

  /** The time that was asked for with `wakeAt` has come. */
  alarm(): void {
    this.#expire()
    this.#storeEnds()
    this.#scheduleExpiry()
  }

  // ---- How it works ----

  /** Do sessions mean anything to the application? Only then are they worth rows and alarms. */
  get #keepsSessions(): boolean {
    return this.onOpen !== Room.prototype.onOpen || this.onClose !== Room.prototype.onClose
  }

  #begin({ session, isNew, stale }: { session: Session; isNew: boolean; stale: boolean }): void {
    const change = this.#keepsSessions && (isNew || stale) ? { change: { put: [session] } } : {}
    if (isNew) this.#call(session, () => this.onOpen(session), change)
    else if (change.change !== undefined) this.#host.commit({ drafts: [], ...change })
  }

  /** Without it a room that sleeps would give a session its whole grace anew at every waking. */
  #storeEnds(): void {
    if (!this.#keepsSessions) return
    const put = this.#sessions.unstoredEnds()
    if (put.length > 0) this.#host.commit({ drafts: [], change: { put } })
  }

  #expire(): void {
    for (const session of this.#sessions.expire(this.#host.now())) {
      const change = this.#keepsSessions ? { change: { drop: [session.id] } } : {}
      this.#call(session, () => this.onClose(session), change)
    }
  }

  #scheduleExpiry(): void {
    if (this.#keepsSessions) this.#host.wakeAt(this.#sessions.nextEnd())
  }

  #plainMessage(connection: Connection, data: string | Uint8Array): void {
    try {
      this.#receive(plainPublication(data, this.#payloadLimit), sessionOf(connection), undefined)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // A plain connection cannot be told, and must not go on as if the message had been sent.
      this.#fanout.close(connection, error.code === 'too_large' ? TOO_BIG : CLOSE.protocol, error.code)
    }
  }

  #framedMessage(connection: Connection, data: string | Uint8Array): void {
    for (const parsed of readOperations(data, this.#payloadLimit)) {
      if (parsed.op !== undefined) this.#operate(connection, parsed)
      else {
        const { code, message } = parsed.refusal
        this.#fanout.tell(connection, [errorEvent(parsed.ref, code, message)])
      }
    }
  }

  #operate(connection: Connection, operation: Operation): void {
    const { ref } = operation
    const to = { connection, ...(ref !== undefined && { ref }) }
    switch (operation.op) {
      case 'publish': {
        const id = operation.publication.id ?? this.#host.randomId()
        this.#receive(operation.publication, sessionOf(connection), { ...to, id })
        return
      }
      case 'history':
        this.#history({ reader: connection.attachment, replyTo: to }, operation.query)
        return
      case 'probe':
        this.#fanout.drained(connection)
        return
      case 'ping':
        this.#fanout.tell(connection, [PONG])
        return
    }
  }

  #receive(publication: Publication, session: Session | null, replyTo: ReplyTo | undefined): void {
    if (this.#host.backlog() > LIMITS.waiting) {
      this.#answer(replyTo, { error: 'busy', message: 'The room has more to commit than it can' })
      return
    }
    const draft = toDraft(publication, session, replyTo?.id ?? this.#host.randomId())
    const answers = this.onMessage !== Room.prototype.onMessage
    if (answers && draft.dedupe !== undefined && this.#host.knows(draft.dedupe.key)) {
      // The callback must not act twice on one message; the log finds the first cursor, or that the content differs.
      this.#host.commit({ drafts: [draft], ...(replyTo && { replyTo }) })
      return
    }
    const incoming = new Incoming(publication, draft)
    this.#call(session, () => this.onMessage(session, incoming), { ...(replyTo && { replyTo }), asked: draft })
  }

  /** Runs a callback and commits what it did, as one. */
  #call(
    session: Session | null,
    callback: () => void,
    { replyTo, change, asked }: { replyTo?: ReplyTo; change?: Change; asked?: Draft } = {},
  ): void {
    const done = this.#callbacks.run(callback)
    if ('error' in done) {
      const { code, message } = this.#refusal(session, done.error)
      this.#answer(replyTo, { error: code, message })
      if (change !== undefined) this.#host.commit({ drafts: [], change })
      return
    }
    const { drafts, state } = done
    const [first, ...others] = drafts
    // A repeat of what was asked is known by the first message that came of it.
    const named =
      first === undefined || asked === undefined || first === asked
        ? drafts
        : [{ ...first, id: asked.id, ...(asked.dedupe && { dedupe: asked.dedupe }) }, ...others]
    const changes = state === undefined ? change : { ...change, state }
    if (named.length === 0 && changes === undefined) this.#answer(replyTo, {})
    else this.#host.commit({ drafts: named, ...(changes && { change: changes }), ...(replyTo && { replyTo }) })
  }

  /** What the asker is told of an error in a callback; the application, or else the operator, hears all of it. */
  #refusal(session: Session | null, error: unknown): Refusal {
    if (error instanceof Refusal) return error
    try {
      this.onError(session, error)
    } catch (another) {
      this.#host.report(another)
    }
    return new Refusal('internal', 'The room could not handle this')
  }

  #draft(draft: Draft): void {
    if (!this.#callbacks.add(draft)) this.#host.commit({ drafts: [draft] })
  }

  #history(read: HistoryRead, query: HistoryQuery): void {
    const { scan, gap } = planHistory(this.#head, query)
    this.#host.read({ ...read, ...(gap !== undefined && { gap }) }, scan)
  }

  #info(): Info {
    this.#expire()
    const connections: Record<Kind, number> = { websocket: 0, poll: 0, sse: 0, tcp: 0 }
    for (const { attachment } of this.#fanout.connections) connections[attachment.kind]++
    const cursor = formatCursor(headPosition(this.#head))
    const awakeSince = this.#awakeSince
    return { room: this.name, cursor, sessions: this.#sessions.size, connections, awakeSince }
  }

  #answer(replyTo: ReplyTo | undefined, outcome: Outcome): void {
    if (replyTo === undefined) return
    if ('ticket' in replyTo) this.#host.reply(replyTo.ticket, toReply(replyTo.id, outcome))
    else this.#fanout.tell(replyTo.connection, [toEvent(replyTo, outcome)])
  }
}
