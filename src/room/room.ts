import { bearerOf, type Capability, type Identity, may, type Pass, within } from '../protocol/capabilities.ts'
import { Pack } from '../protocol/codec/index.ts'
import { CLOSE, TOO_BIG } from '../protocol/codes.ts'
import { comparePositions, formatCursor } from '../protocol/cursor.ts'
import { utf8Length } from '../protocol/data.ts'
import type { Draft, MessageDraft } from '../protocol/entry.ts'
import { type ErrorCode, Refusal } from '../protocol/errors.ts'
import { errorEvent, historyEvent, type Item, PING_TEXT, PONG, PONG_TEXT } from '../protocol/events.ts'
import { frameLimit, LIMITS } from '../protocol/limits.ts'
import type { HistoryQuery, Operation, Parsed, Publication } from '../protocol/operations.ts'
import { arrive } from './arrival.ts'
import { Buckets } from './buckets.ts'
import { Callbacks } from './callbacks.ts'
import { Doorkeeper, EXPIRED, REVOKED, UNKNOWN } from './doorkeeper.ts'
import { headPosition } from './extent.ts'
import { Fanout } from './fanout.ts'
import { RoomFigures } from './figures.ts'
import { planHistory, toHistoryPage } from './history.ts'
import { Incoming, plainPublication, readOperations, sameRequest, toBody } from './incoming.ts'
import type { Activity, Info } from './info.ts'
import { plainEnd, toEvent, toReply } from './outcomes.ts'
import { type Happening, Participants } from './participants.ts'
import {
  type Birth,
  type Command,
  type Connection,
  type Head,
  type Heard,
  type Hello,
  type HistoryRead,
  IN_STEP,
  type Kind,
  type Outcome,
  type Page,
  type ReplyTo,
  type RoomHost,
  type RoomLimits,
  type Settled,
  type Verdict,
} from './ports.ts'
import type { Answered, Submission } from './questions.ts'
import { type Session, sessionOf } from './sessions.ts'
import { BUSY, isKnown, repeat, Submissions, toSubmission } from './submissions.ts'
import type { Tally } from './tally.ts'

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
 * It may be thrown away between any two events at which nothing waits for its commit, and be born again from what its
 * host holds.
 *
 * Applications extend it and override `onOpen`, `onMessage`, `onClose`, `onError`.
 */
export class Room<State = unknown> {
  readonly name: string
  readonly #host: RoomHost
  readonly #fanout: Fanout
  readonly #participants: Participants
  readonly #callbacks: Callbacks<State>
  readonly #limits: RoomLimits
  readonly #awakeSince: number
  readonly #retryAfter = (): number => this.#host.retryAfter(0)
  /** Connections for which history is being read: one page at a time, or a few bytes of input would cost megabytes of reading. */
  readonly #scans = new WeakSet<Connection>()
  readonly #doorkeeper: Doorkeeper
  readonly #rates: Buckets<Connection>
  readonly #userRates: Buckets<string>
  readonly #abuse: Buckets<Connection>
  readonly #submissions: Submissions
  readonly #tally: Tally
  readonly #figures = new RoomFigures()
  /** When the next session ends (ms). */
  #nextEnd: number | null = null
  #head: Head

  constructor(host: RoomHost, birth: Birth) {
    this.name = birth.name
    this.#host = host
    this.#head = birth.head
    this.#limits = birth.limits
    this.#awakeSince = host.now()
    this.#tally = birth.tally
    this.#callbacks = new Callbacks<State>(birth.state)
    this.#doorkeeper = new Doorkeeper(birth)
    this.#rates = new Buckets(birth.limits.rate)
    this.#userRates = new Buckets(birth.limits.userRate)
    this.#abuse = new Buckets(birth.limits.rate)
    this.#participants = new Participants(host, birth, {
      opened: (session, happening) => this.#call(session, () => this.onOpen(session), happening),
      ended: (session, happening) => this.#call(session, () => this.onClose(session), happening),
      commit: (happening) => host.commit(happening),
      wakeAt: (time) => {
        this.#nextEnd = time
        this.#schedule()
      },
      keepsSessions: this.onOpen !== Room.prototype.onOpen || this.onClose !== Room.prototype.onClose,
    })
    const left = (connection: Connection): void => {
      this.#doorkeeper.leave(connection)
      this.#rates.delete(connection)
      this.#abuse.delete(connection)
      this.#participants.leave(connection)
    }
    this.#submissions = new Submissions(host, birth.asks ?? false, {
      isBusy: () => this.#isBusy,
      notFor: (submission) => this.#notFor(submission, submission.session?.id),
      answer: (replyTo, outcome) => this.#answer(replyTo, outcome),
      publish: (submission) => this.#publish(submission),
    })
    this.#fanout = new Fanout(host, birth, this.#participants.presence, this.#figures, left)
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
      body: toBody(data, this.#limits.payload),
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
    // Oldest first, as they came (SES-3); workerd lists them the other way round (2026-11).
    const open = [...connections].filter(({ isOpen }) => isOpen)
    const inOrder = open.sort((a, b) => a.attachment.since - b.attachment.since)
    for (const connection of inOrder) {
      if (heard !== undefined && !this.#goOn(connection, heard)) continue
      this.#fanout.join(connection)
      this.#participants.enter(connection, sessionOf(connection))
      this.#doorkeeper.enter(connection)
    }
    this.#participants.schedule()
    if (this.#doorkeeper.nextEnd !== null) this.#schedule()
  }

  /** From what it has heard; false: a plain one cannot, whose stream is not replayed unseen (FAN-3). */
  #goOn(connection: Connection, { position, rev }: Heard): boolean {
    const { attachment } = connection
    const { at, presence, codec } = attachment
    // A poll that waits to be told who is here begins where it is told so (POLL-2).
    const isYetToStart = codec === 'poll' && presence !== undefined && presence !== IN_STEP
    const hasMissed = comparePositions(position, headPosition(this.#head)) < 0
    const isBehind = at === undefined && hasMissed && !isYetToStart
    if (isBehind && codec === 'plain') return this.#turnAway(connection, { code: CLOSE.storage, reason: 'storage' })
    const isInStep = presence === IN_STEP
    // A poll may have to wait once more until it can be told who is here; what comes meanwhile is still to be read to it.
    const mayWait = at === undefined && codec === 'poll' && isInStep
    if (isBehind || isInStep) {
      connection.attach({
        ...attachment,
        ...((isBehind || mayWait) && { at: position }),
        ...(isInStep && { presence: rev }),
      })
    }
    return true
  }

  /** A connection that the gateway has let in. False: the room has not, and has closed it. */
  open(connection: Connection, asked: Hello): boolean {
    this.#participants.expire()
    const now = this.#host.now()
    const hello = this.#doorkeeper.resumed(asked, now)
    const no = hello === null ? UNKNOWN : this.#doorkeeper.refusal(hello, now)
    if (hello === null || no !== undefined) return this.#turnAway(connection, no ?? UNKNOWN)
    const { session: id, user, kind, codec, presence, state, granted, isBackend, address } = hello
    const pass = within(hello.pass, granted)
    const { at, greeting, gap } = arrive(this.name, this.#head, hello)
    // A poll comes back each time: that it has missed nothing is no news.
    if (gap !== undefined || (hello.cursor !== undefined && kind !== 'poll')) {
      this.#tally.recoveries[gap?.reason ?? 'recovered']++
    }
    if (gap !== undefined && codec === 'plain') return this.#turnAway(connection, { code: CLOSE.gap, reason: 'gap' })
    connection.attach({
      kind,
      codec,
      session: id,
      since: this.#host.now(),
      ...(user !== undefined && { user }),
      ...(at !== undefined && { at }),
      ...(presence !== undefined && { presence }),
      ...(pass !== undefined && { pass }),
      ...(granted !== undefined && { granted }),
      ...(isBackend && { isBackend }),
      ...(address !== undefined && { address }),
      ...(codec === 'plain' && hello.rewind !== undefined && { rewound: true }),
    })
    const entered = this.#participants.enter(connection, sessionOf(connection), state)
    if (!entered) {
      return this.#turnAway(connection, { code: CLOSE.forbidden, reason: 'this session belongs to another user' })
    }
    const change = this.#doorkeeper.enter(connection, hello.pass)
    if (change !== undefined) this.#host.commit({ drafts: [], change })
    if (pass !== undefined) this.#schedule()
    this.#fanout.join(connection, greeting)
    if (entered.replaces !== undefined) this.#fanout.close(entered.replaces, CLOSE.replaced, 'replaced')
    return true
  }

  /** A WebSocket message, or a line. */
  message(connection: Connection, data: string | Uint8Array): void {
    // What one that was refused had sent before it heard so is nobody's.
    if (!this.#fanout.has(connection)) return
    const { codec } = connection.attachment
    if (data === PING_TEXT && codec !== 'lines') this.#fanout.write(connection, PONG_PACK)
    else if (data.length > frameLimit(this.#limits.payload)) this.#fanout.close(connection, TOO_BIG, 'too_large')
    else if (codec === 'plain') this.#plainMessage(connection, data)
    else this.#framedMessage(connection, data)
  }

  /** The connection is gone. */
  close(connection: Connection): void {
    this.#fanout.leave(connection)
  }

  /** A request from the gateway. */
  command(ticket: number, command: Command): void {
    this.#participants.expire()
    const reply = (outcome: Parameters<RoomHost['reply']>[1]): void => this.#host.reply(ticket, outcome)
    const named = 'session' in command ? command.session : 'reader' in command ? command.reader.session : undefined
    const no = this.#notFor(command, named)
    if (no !== undefined) {
      const items = command.type === 'batch' ? command.publications.map((_, index) => index) : [undefined]
      for (const index of items) this.#host.reply(ticket, { type: 'error', ...no }, index)
      return
    }
    switch (command.type) {
      case 'publish': {
        const { publication } = command
        const wait = this.#tooFast(command, null)
        if (wait !== null) reply(toReply({ ticket }, tooFast(wait)))
        else
          this.#submissions.receive(command, lineOf(command, ticket), [
            this.#submission(command, publication, { ticket }),
          ])
        break
      }
      case 'batch': {
        const wait = this.#tooFast(command, null, command.publications.length)
        const submissions = command.publications.flatMap((publication, index) => {
          if (wait === null) return [this.#submission(command, publication, { ticket, index })]
          this.#host.reply(ticket, toReply({ ticket, index }, tooFast(wait)), index)
          return []
        })
        this.#submissions.receive(command, lineOf(command, ticket), submissions)
        break
      }
      case 'history':
        this.#history({ reader: { ...command.reader, ...userOf(command) }, replyTo: { ticket } }, command)
        break
      case 'present': {
        const { session: id, user, state } = command
        const wait = this.#tooFast(command, null)
        if (wait !== null) reply(toReply({ ticket }, tooFast(wait)))
        else this.#setState({ id, ...(user !== undefined && { user }) }, state, { ticket })
        break
      }
      case 'presence':
        reply({ type: 'presence', list: this.#participants.presence.list() })
        break
      case 'sessions':
        reply({ type: 'sessions', ...this.#participants.list(command.after, command.limit, this.#head) })
        break
      case 'session': {
        const found = this.#participants.describe(command.id, this.#head)
        reply(found === undefined ? noSession(command.id) : { type: 'sessions', sessions: [found], next: null })
        break
      }
      case 'disconnect': {
        if (!this.#participants.has(command.id)) {
          reply(noSession(command.id))
          break
        }
        for (const connection of this.#participants.disconnect(command.id)) {
          this.#fanout.close(connection, CLOSE.disconnected, 'disconnected')
        }
        reply({ type: 'sessions', sessions: [], next: null })
        break
      }
      case 'revoke': {
        const { change, dismissed } = this.#doorkeeper.revoke(command.revocations, this.#host.now())
        for (const connection of dismissed) this.#fanout.close(connection, REVOKED.code, REVOKED.reason)
        this.#host.commit({ drafts: [], change, replyTo: { ticket } })
        break
      }
      case 'info':
        reply({ type: 'info', info: this.#info() })
        break
    }
  }

  /** Commit, then deliver: what the log now holds goes out, and who asked for it is told. */
  settled({ entries, outcomes, head, since }: Settled): void {
    this.#head = head
    this.#tally.committed(entries)
    const counts = this.#participants.presence.settled(entries)
    this.#fanout.deliver(entries, head)
    this.#figures.settled(entries, this.#host.now(), since)
    if (counts.length > 0) this.#host.commit({ drafts: counts })
    const told = new Map<Connection, Item[]>()
    for (const { replyTo, outcome } of outcomes) {
      if ('ticket' in replyTo || replyTo.connection.attachment.codec === 'plain') this.#answer(replyTo, outcome)
      else {
        const items = told.get(replyTo.connection) ?? []
        items.push(toEvent(replyTo, outcome, this.#retryAfter))
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
    else {
      this.#scans.delete(replyTo.connection)
      this.#fanout.tell(replyTo.connection, [historyEvent(replyTo.ref, history)])
    }
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
    for (const connection of [...this.#fanout.connections]) {
      this.#fanout.close(connection, code, reason, this.#host.retryAfter(clients))
    }
  }

  /** The time that was asked for with `wakeAt` has come. */
  alarm(): void {
    for (const connection of this.#doorkeeper.ended(this.#host.now())) {
      this.#fanout.close(connection, EXPIRED.code, EXPIRED.reason)
    }
    this.#participants.wake()
    this.#schedule()
  }

  /** How much happens, in O(1). */
  get activity(): Omit<Activity, 'connections'> {
    return {
      room: this.name,
      rate: this.#figures.rateAt(this.#host.now()),
      sessions: this.#participants.size,
      awakeSince: this.#awakeSince,
    }
  }

  get heard(): Heard {
    return { position: headPosition(this.#head), rev: this.#participants.presence.rev }
  }

  isRevoked(by: Identity): boolean {
    return this.#doorkeeper.isRevoked(by, this.#host.now())
  }

  /** What was asked with `host.ask` is known. */
  verdict(answered: Answered): void {
    if (answered.hook === 'message') {
      this.#submissions.judged(answered, answered.verdicts)
      return
    }
    const { line: connection } = answered
    if (!this.#fanout.has(connection)) return
    if (answered.hook === 'turn') this.#perform(connection, answered.parsed, answered.size)
    else {
      const { ref } = answered
      this.#answer({ connection, ...(ref !== undefined && { ref }) }, this.#renew(connection, answered.verdict))
    }
  }

  // ---- How it works ----

  #turnAway(connection: Connection, { code, reason }: { readonly code: number; readonly reason: string }): false {
    this.#tally.closed(code)
    connection.close(code, reason)
    return false
  }

  #plainMessage(connection: Connection, data: string | Uint8Array): void {
    try {
      demand(connection, 'publish')
      const wait = this.#tooFast(sessionOf(connection), connection)
      if (wait !== null) this.#fanout.close(connection, CLOSE.rate, 'rate', wait)
      else {
        const publication = plainPublication(data, this.#limits.payload)
        this.#submissions.receive(connection.attachment, connection, [
          this.#submission(connection.attachment, publication, { connection }),
        ])
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // A plain connection cannot be told, and must not go on as if the message had been sent.
      const code = error.code === 'too_large' ? TOO_BIG : error.code === 'forbidden' ? CLOSE.forbidden : CLOSE.protocol
      this.#fanout.close(connection, code, error.code)
    }
  }

  #framedMessage(connection: Connection, data: string | Uint8Array): void {
    const operations = readOperations(data, this.#limits.payload)
    for (const parsed of operations) this.#perform(connection, parsed, Math.ceil(data.length / operations.length))
  }

  /** `size`: its share of what it came in, counted while it has to wait. */
  #perform(connection: Connection, parsed: Parsed, size: number): void {
    const awaited = this.#host.awaits(connection)
    // All waits for a fresh token; and a presence state, which others hear of, for the messages before it.
    if (awaited === 'auth' || (awaited !== null && parsed.op === 'presence')) {
      const isTaken = this.#host.ask({ hook: 'turn', line: connection, parsed, size })
      if (!isTaken) this.#fanout.close(connection, CLOSE.rate, 'rate')
      return
    }
    try {
      if (parsed.op === undefined) throw parsed.refusal
      this.#operate(connection, parsed)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#fanout.tell(connection, [errorEvent(parsed.ref, error.code, error.message)])
    }
  }

  #operate(connection: Connection, operation: Operation): void {
    const { ref } = operation
    const to = { connection, ...(ref !== undefined && { ref }) }
    switch (operation.op) {
      case 'publish': {
        demand(connection, 'publish')
        const wait = this.#tooFast(sessionOf(connection), connection)
        const { attachment } = connection
        if (wait !== null) this.#refuseRate(connection, to, wait)
        else
          this.#submissions.receive(attachment, connection, [this.#submission(attachment, operation.publication, to)])
        break
      }
      case 'presence': {
        demand(connection, 'presence')
        const wait = this.#tooFast(sessionOf(connection), connection)
        if (wait !== null) this.#refuseRate(connection, to, wait)
        else this.#setState(sessionOf(connection), operation.state, to)
        break
      }
      case 'history':
        this.#history({ reader: connection.attachment, replyTo: to }, { ...connection.attachment, ...operation })
        break
      case 'auth':
        if (
          !this.#host.ask({ hook: 'auth', line: connection, ...(ref !== undefined && { ref }), token: operation.token })
        )
          this.#fanout.close(connection, CLOSE.rate, 'rate')
        break
      case 'probe':
        connection.confirm(operation.n)
        this.#fanout.drained(connection)
        break
      case 'ping':
        this.#fanout.tell(connection, [PONG])
        break
    }
  }

  #submission(by: Parameters<typeof toSubmission>[0], publication: Publication, replyTo?: ReplyTo): Submission {
    return toSubmission(by, publication, publication.id ?? this.#host.randomId(), replyTo)
  }

  #publish(submission: Submission): void {
    const { publication, draft, session, replyTo } = submission
    const answers = this.onMessage !== Room.prototype.onMessage
    if (answers && isKnown(this.#host, submission)) {
      repeat(this.#host, submission)
      return
    }
    const incoming = new Incoming(publication, draft)
    this.#call(session, () => this.onMessage(session, incoming), { drafts: [], ...(replyTo && { replyTo }) }, draft)
  }

  /** Why not to do what is asked in that name: it was revoked, or the session is another user's (SES-2). */
  #notFor(by: { user?: string; pass?: Pass }, session?: string): { code: ErrorCode; message: string } | undefined {
    if (this.#doorkeeper.isRevoked({ ...by, session }, this.#host.now())) {
      return { code: 'revoked', message: 'The token or the session was revoked' }
    }
    const isOthers = session !== undefined && by.pass !== undefined && this.#participants.isOthers(session, by.user)
    return isOthers ? { code: 'forbidden', message: 'This session belongs to another user' } : undefined
  }

  #renew(connection: Connection, verdict: Verdict): Outcome {
    if (verdict.error !== undefined) return verdict
    const { attachment } = connection
    const { user } = verdict
    const pass = within(verdict.pass, attachment.granted)
    if (user !== attachment.user) return { error: 'forbidden', message: 'The token is for another user' }
    if (!may(pass, 'subscribe')) return { error: 'forbidden', message: 'The token does not let into this room' }
    if (this.#doorkeeper.isRevoked({ ...attachment, pass }, this.#host.now())) {
      return { error: 'revoked', message: 'The token was revoked' }
    }
    if (pass !== undefined) connection.attach({ ...attachment, pass })
    this.#doorkeeper.renewed(connection)
    this.#schedule()
    return {}
  }

  /** Seconds to wait, if there were too many messages of that connection or user (LIMIT-1, LIMIT-2). */
  #tooFast({ user, pass }: { user?: string; pass?: Pass }, connection: Connection | null, count = 1): number | null {
    const now = this.#host.now()
    const wait = connection === null ? null : this.#rates.take(connection, now)
    if (wait !== null) return wait
    if (user !== undefined) return this.#userRates.take(`user ${user}`, now, count)
    // Over HTTP nothing else bounds who has no name.
    return connection !== null || pass === undefined ? null : this.#userRates.take(bearerOf(user, pass), now, count)
  }

  /** Who goes on all the same is sent away. */
  #refuseRate(connection: Connection, replyTo: ReplyTo, wait: number): void {
    this.#answer(replyTo, tooFast(wait))
    if (this.#abuse.take(connection, this.#host.now()) !== null) {
      this.#fanout.close(connection, CLOSE.rate, 'rate', Math.ceil(wait))
    }
  }

  #schedule(): void {
    const times = [this.#nextEnd, this.#doorkeeper.nextEnd].filter((time) => time !== null)
    this.#host.wakeAt(times.length === 0 ? null : Math.min(...times))
  }

  #setState(session: Session, state: string | null, replyTo: ReplyTo): void {
    if (this.#isBusy) {
      this.#answer(replyTo, BUSY)
      return
    }
    const [size, most] = [utf8Length(state ?? ''), this.#limits.presenceState]
    if (size > most) {
      this.#answer(replyTo, {
        error: 'too_large',
        message: `A presence state is at most ${most} bytes; this one has ${size}`,
      })
    } else if (this.#participants.has(session.id)) this.#participants.setState(session, state, replyTo)
    else this.#answer(replyTo, { error: 'not_found', message: 'Only a session that is here has a presence' })
  }

  get #isBusy(): boolean {
    return this.#host.backlog() > LIMITS.waiting
  }

  /** Runs a callback and commits what it did, as one with what happened. `asked`: the message that it answers. */
  #call(session: Session | null, callback: () => void, happening: Happening, asked?: MessageDraft): void {
    const { replyTo, change } = happening
    const done = this.#callbacks.run(callback, (error) => this.#refusal(session, error))
    if ('error' in done) {
      const { code, message } = this.#refusal(session, done.error)
      this.#answer(replyTo, { error: code, message })
      if (change !== undefined || happening.drafts.length > 0) {
        this.#host.commit({ drafts: happening.drafts, ...(change && { change }) })
      }
      return
    }
    const drafts = [...happening.drafts, ...answering(asked, done.drafts)]
    const changes = done.state === undefined ? change : { ...change, state: done.state }
    if (drafts.length === 0 && changes === undefined) this.#answer(replyTo, {})
    else {
      const withPrevious = replyTo !== undefined && 'index' in replyTo && replyTo.index !== 0
      this.#host.commit({ drafts, withPrevious, ...(changes && { change: changes }), ...(replyTo && { replyTo }) })
    }
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

  #draft(draft: MessageDraft): void {
    if (!this.#callbacks.add(draft)) this.#host.commit({ drafts: [draft] })
  }

  #history(read: HistoryRead, { query, pass }: { query: HistoryQuery; pass?: Pass }): void {
    const { replyTo } = read
    if ('connection' in replyTo) {
      if (this.#scans.has(replyTo.connection) || replyTo.connection.credit() <= 0) {
        this.#answer(replyTo, { error: 'busy', message: 'Read the history that you asked for before you ask for more' })
        return
      }
      this.#scans.add(replyTo.connection)
    }
    const { scan, gap } = planHistory(this.#head, query, this.#limits.historyPage)
    const since = may(pass, 'history') ? {} : { since: this.#host.now() - LIMITS.recent }
    this.#host.read({ ...read, ...(gap !== undefined && { gap }), ...since }, scan)
  }

  #info(): Info {
    const connections: Record<Kind, number> = { websocket: 0, poll: 0, sse: 0, tcp: 0 }
    for (const { attachment } of this.#fanout.connections) connections[attachment.kind]++
    const cursor = formatCursor(headPosition(this.#head))
    return {
      room: this.name,
      cursor,
      sessions: this.#participants.size,
      connections,
      awakeSince: this.#awakeSince,
      ...this.#figures.figuresAt(this.#host.now()),
    }
  }

  #answer(replyTo: ReplyTo | undefined, outcome: Outcome): void {
    if (replyTo === undefined) return
    if ('ticket' in replyTo) this.#host.reply(replyTo.ticket, toReply(replyTo, outcome), replyTo.index)
    else if (replyTo.connection.attachment.codec === 'plain') this.#answerPlain(replyTo.connection, outcome)
    else this.#fanout.tell(replyTo.connection, [toEvent(replyTo, outcome, this.#retryAfter)])
  }

  #answerPlain(connection: Connection, outcome: Outcome): void {
    const end = plainEnd(outcome)
    if (end !== null && this.#fanout.has(connection)) this.#fanout.close(connection, end.code, end.reason)
  }
}

/** Whose messages over HTTP keep their order: a user's, or else a session's. */
const lineOf = ({ session, user }: { session?: string; user?: string }, ticket: number): string =>
  user !== undefined ? `user:${user}` : session !== undefined ? `session:${session}` : `ticket:${ticket}`

const userOf = ({ user }: { user?: string }) => (user === undefined ? {} : { user })

const tooFast = (wait: number) =>
  ({ error: 'rate', message: 'Too many messages in a short time', retryAfter: Math.ceil(wait * 10) / 10 }) as const

/** @throws Refusal `forbidden` */
function demand({ attachment: { pass } }: Connection, capability: Capability): void {
  if (!may(pass, capability)) throw new Refusal('forbidden', `The token does not grant \`${capability}\` in this room`)
}

const noSession = (id: string) =>
  ({ type: 'error', code: 'not_found', message: `There is no session ${id} in this room` }) as const

/** What a callback sent for a message: a repeat of the message is known by the first that came of it. */
function answering(asked: MessageDraft | undefined, drafts: readonly MessageDraft[]): readonly Draft[] {
  const [first, ...others] = drafts
  if (first === undefined || asked === undefined || first === asked) return drafts
  return [{ ...first, id: asked.id, ...sameRequest(asked) }, ...others]
}
