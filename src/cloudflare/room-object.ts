import { DurableObject } from 'cloudflare:workers'
import { randomSecret } from '../auth/secrets.ts'
import { verdictOf } from '../gateway/access/verdict.ts'
import { retryAfter } from '../gateway/advice.ts'
import { CLOSE, INTERNAL_ERROR, isSendable } from '../protocol/codes.ts'
import { PING_TEXT, PONG_TEXT } from '../protocol/events.ts'
import { reporter } from '../protocol/journal.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { OutboxChange, WebhookEvent } from '../protocol/webhook.ts'
import { Beat } from '../room/beat.ts'
import type {
  Command,
  Connection,
  Hello,
  HistoryRead,
  Reply,
  RoomHost,
  Scan,
  Settled,
  Ticket,
  Work,
} from '../room/ports.ts'
import type { Answered, Question } from '../room/questions.ts'
import { Pages, type Reading, readFor } from '../room/reading.ts'
import { revive } from '../room/rebirth.ts'
import { Replies } from '../room/replies.ts'
import { Room, type RoomClass } from '../room/room.ts'
import { SLOW, Tally } from '../room/tally.ts'
import { WorkQueue } from '../room/work-queue.ts'
import { Clerk } from '../webhooks/clerk.ts'
import { messageSlots } from '../webhooks/slots.ts'
import { NO_BACKEND, Teller } from '../webhooks/teller.ts'
import { Alarm } from './alarm.ts'
import { PendingConnection, SocketConnection } from './connection.ts'
import type { Env } from './create-worker.ts'
import { ObjectLog } from './object-log.ts'
import { HELLO, protocolHeader, REFUSED } from './room-stub.ts'
import { setupOf } from './setup.ts'

/** What the Worker calls on a room's object. */
export interface RoomMethods extends Rpc.DurableObjectBranded {
  command(command: Command): Promise<Reply>
}

export type RoomObjectClass = new (ctx: DurableObjectState, env: Env) => DurableObject<Env> & RoomMethods

/** Two missed pings and the time that one may take (ms). */
const SILENCE = (2 * LIMITS.heartbeat + 5) * 1000
/** Each send copies: what one turn may copy into the sockets of a room, in bytes. */
const TURN_BYTES = 16 * 1024 * 1024
/** After a flush to 500 sockets, which takes 20 ms (2026-11), resting for as long again made the slowest twice as slow (ms). */
const BREATH = 1
/** How long a room rests after a commit that failed (ms). */
const SETBACK = 500
/** While settings are wrong: when to look again whether they were put right (ms). */
const RECONFIGURED = 60_000
/** How often connections that do not read are looked after (ms): hibernatable sockets do not say that they drained. */
const LOOK_AFTER = 250

/**
 * The Durable Object of a room: the host of a Room. It sleeps while nothing happens, its sockets open;
 * so all that it holds in memory can be made anew from storage and the sockets' attachments.
 */
export function createRoomObject(RoomOf: RoomClass = Room): RoomObjectClass {
  return class RoomObject extends DurableObject<Env> implements RoomHost {
    readonly #beat = new Beat(() => {
      this.#due = true
    })
    readonly #connections = new Set<Connection>()
    readonly #sockets = new Map<WebSocket, Connection>()
    readonly #replies = new Replies()
    readonly #reads: Reading[] = []
    #log: ObjectLog
    #room: Room<unknown>
    readonly #works = new WorkQueue()
    #due = false
    /** The last commit failed. */
    #isFailing = false
    readonly #alarm: Alarm
    readonly #teller: Teller | null
    #lookingAfter = false
    readonly #tally = new Tally()
    readonly #slots = messageSlots()
    readonly #clerk = new Clerk({
      verify: (token) => verdictOf(setupOf(this.env).gate, () => false, this.ctx.id.name ?? '', token),
      judge: async (asked, since) =>
        setupOf(this.env).backend?.judge(this.ctx.id.name ?? '', asked, since, this.#slots) ?? { rewrite: {} },
      tell: (answered) => this.#told(answered),
      report: (error) => this.report(error),
    })

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env)
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_TEXT, PONG_TEXT))
      for (const socket of ctx.getWebSockets()) {
        if (socket.readyState !== WebSocket.OPEN) continue
        if (this.#wrong !== undefined) {
          socket.close(CLOSE.storage, 'unconfigured')
          continue
        }
        if (this.#isSilent(socket)) {
          socket.close(CLOSE.silent, 'silent')
          continue
        }
        const connection = new SocketConnection(socket)
        this.#sockets.set(socket, connection)
        this.#connections.add(connection)
      }
      this.#alarm = new Alarm(ctx)
      this.#log = this.#openLog()
      const stored = this.#log.load()
      this.#room = this.#made(stored)
      this.#teller = this.#hired(stored.waiting)
      const needsAlarm = stored.sessions.length > 0 || stored.waiting > 0 || this.#hasTokens
      if (!needsAlarm) this.#turn(() => this.#room.wake(this.#connections))
      else {
        ctx.blockConcurrencyWhile(async () => {
          await this.#alarm.look()
          if (this.#teller !== null) this.#alarm.ask(this.#teller.at)
          this.#turn(() => this.#room.wake(this.#connections))
        })
      }
    }

    // ---- What the Worker asks ----

    command(command: Command): Promise<Reply> {
      if (this.#wrong !== undefined) {
        return Promise.resolve({ type: 'error', code: 'unconfigured', message: this.#wrong })
      }
      if (command.type === 'dead' || command.type === 'resend') {
        return this.#teller?.command(command) ?? Promise.resolve(NO_BACKEND)
      }
      return new Promise((resolve) => {
        const report = (error: unknown): void => this.report(error)
        this.#replies.ask(command, resolve, report, (ticket) => this.#turn(() => this.#room.command(ticket, command)))
      })
    }

    /** A wire: a client's WebSocket, or one that the Worker dials for a poll or a stream. */
    override fetch(request: Request): Response {
      const hello = JSON.parse(decodeURIComponent(request.headers.get(HELLO) ?? 'null')) as Hello | null
      if (hello === null) return new Response('Only the gateway speaks to a room', { status: 403 })
      if (this.#wrong !== undefined) {
        return new Response('unconfigured', { status: 403, headers: { [REFUSED]: `${CLOSE.storage}` } })
      }
      const pending = new PendingConnection()
      this.#turn(() => {
        if (this.#room.open(pending, hello)) this.#connections.add(pending)
      })
      const { refused, packs } = pending
      if (refused !== undefined)
        return new Response(refused.reason, { status: 403, headers: { [REFUSED]: String(refused.code) } })
      if (hello.kind === 'poll' && packs.length > 0) {
        this.#turn(() => this.#gone(pending))
        return new Response(packs[0]?.frames.join(''))
      }
      const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
      this.ctx.acceptWebSocket(server)
      this.#sockets.set(server, pending)
      pending.hold(server)
      const headers = protocolHeader(request.headers.get('sec-websocket-protocol'))
      return new Response(null, { status: 101, webSocket: client, headers })
    }

    // ---- What the platform tells ----

    override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
      const connection = this.#sockets.get(socket)
      if (connection === undefined) return
      const data = typeof message === 'string' ? message : new Uint8Array(message)
      try {
        this.#turn(() => this.#room.message(connection, data))
      } catch (error) {
        // What one connection caused ends that connection, and not the object.
        this.report(error)
        this.#turn(() => this.#room.end(connection, INTERNAL_ERROR, 'internal'))
      }
    }

    override webSocketClose(socket: WebSocket, code: number, reason: string): void {
      try {
        // Hibernatable sockets never answer a close by themselves.
        if (isSendable(code)) socket.close(code, reason)
        else socket.close()
      } catch {
        // It is closed already, from this side.
      }
      this.#left(socket)
    }

    override webSocketError(socket: WebSocket): void {
      // It may come without a webSocketClose.
      this.#left(socket)
    }

    /** While it delivers to the backend, which is for a bounded time, the object is kept awake by its own alarm. */
    override async alarm(): Promise<void> {
      this.#alarm.rang()
      if (this.#wrong !== undefined) {
        this.#alarm.ask(Date.now() + RECONFIGURED)
        return
      }
      this.#turn(() => this.#room.alarm())
      await this.#teller?.run()
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
      this.#reads.push({ reader, scan })
    }

    reply(ticket: Ticket, reply: Reply, index?: number): void {
      this.#replies.answer(ticket, reply, index)
    }

    wakeAt(time: number | null): void {
      this.#alarm.ask(time)
    }

    /** While an answer is on its way, for a bounded time, the platform lets the object not sleep (2026-11: nor be evicted). */
    ask(question: Question): boolean {
      const asking = this.#clerk.ask(question)
      if (asking !== null) this.ctx.waitUntil(asking)
      return asking !== null
    }

    awaits(connection: Connection): Question['hook'] | null {
      return this.#clerk.awaits(connection)
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
      reporter(setupOf(this.env).tell, { room: this.ctx.id.name })(error)
    }

    // ---- How it works ----

    /** The Worker lets nobody in while its settings are wrong; what is open or due from before waits until they are right. */
    get #wrong(): string | undefined {
      return setupOf(this.env).wrong
    }

    get #hasTokens(): boolean {
      return [...this.#connections].some(({ attachment }) => attachment.pass !== undefined)
    }

    #told(answered: Answered): void {
      this.#replies.guard(
        answered,
        (error) => this.report(error),
        () => this.#turn(() => this.#room.verdict(answered)),
      )
    }

    /** One call into the room, and then what came of it: so nothing is ever delivered inside a running call. */
    #turn(call: () => void): void {
      call()
      while (this.#due || this.#reads.length > 0) {
        const pages = new Pages(this.#log)
        for (let read = this.#reads.shift(); read !== undefined; read = this.#reads.shift()) {
          readFor(this.#room, pages, read, this)
        }
        if (this.#due) this.#commitNow()
      }
      this.#tellOfSlow()
      this.#lookAfter()
    }

    /** One line for all that a turn has closed. */
    #tellOfSlow(): void {
      const connections = this.#tally.takeSlow()
      if (connections > 0) setupOf(this.env).tell('info', SLOW, { room: this.ctx.id.name, connections })
    }

    #commitNow(): void {
      this.#due = false
      const started = Date.now()
      // As much of what waits as one turn may send to all who are here.
      const works = this.#works.take(TURN_BYTES / Math.max(this.#connections.size, 1))
      const settled = this.#written(works, started)
      if (settled === null) this.#reborn()
      else this.#tell(settled)
      this.#rest(started, works.length > 1, settled === null ? SETBACK : 0)
    }

    /** Null: it was not, as far as we know. */
    #written(works: readonly Work[], now: number): Settled | null {
      try {
        const settled = this.#log.append(works, now)
        this.#isFailing = false
        return settled
      } catch (error) {
        // Once: while it lasts, each try would say the same.
        if (!this.#isFailing) this.report(error)
        this.#isFailing = true
        return null
      }
    }

    #tell(settled: Settled): void {
      try {
        const { since } = this.#works
        this.#works.done()
        this.#room.settled({ ...settled, ...(since !== undefined && { since }) })
        if (settled.told) this.#teller?.added(settled.told)
      } catch (error) {
        this.report(error)
        this.#lost(settled.outcomes)
      }
    }

    /**
     * The room rests while the platform writes out what the turn has sent, which takes about as long as the turn did, and,
     * if messages come faster than it sends them (`isBusy`), for a breath, in which what has come meanwhile is let in; or
     * at least for so long (ms). The platform's clock stands still within a turn: what this one took shows in the next.
     */
    #rest(started: number, isBusy: boolean, least: number): void {
      if (!this.#works.isEmpty) this.#beat.request()
      setTimeout(() => {
        const breath = isBusy && Date.now() - started > BREATH ? BREATH : 0
        setTimeout(() => this.#turn(() => this.#beat.rested()), Math.max(least, breath))
      }, 0)
    }

    /**
     * The room is born again from what there is. If not even that can be read, the platform makes the object anew, and
     * everyone comes back.
     */
    #reborn(): void {
      try {
        const log = this.#openLog()
        const stored = log.load()
        const { heard } = this.#room
        this.#log = log
        this.#room = this.#made(stored)
        revive(this.#room, { heard, works: this.#works, connections: this.#connections, head: stored.head })
        if (stored.waiting > 0) this.#teller?.added(0)
      } catch (error) {
        this.report(error)
        this.#sendAway()
        this.#replies.forgetAll({ type: 'error', code: 'storage', message: 'The log cannot be read' })
        this.ctx.abort('the log cannot be read')
      }
    }

    /**
     * What was written could not be told. Everyone is sent away, to come back with the cursor: who has heard what of it,
     * nobody can say. What came of it is known (`outcomes`).
     */
    #lost(outcomes: Settled['outcomes']): void {
      this.#replies.settle(outcomes)
      this.#sendAway()
      this.#reborn()
    }

    #sendAway(): void {
      try {
        this.#room.sendAway(CLOSE.storage, 'storage', this.#connections.size)
      } catch (error) {
        this.report(error)
      }
      for (const connection of this.#connections) connection.close(CLOSE.storage, 'storage')
      this.#connections.clear()
      this.#sockets.clear()
    }

    #openLog(): ObjectLog {
      const room = this.ctx.id.name ?? ''
      return new ObjectLog(this.ctx.storage, setupOf(this.env).kept(room), { room, events: this.#tells() })
    }

    /** Somebody who carries what the room has to tell, if there is a backend to hear it. */
    #hired(waiting: number): Teller | null {
      const { backend, tell } = setupOf(this.env)
      if (backend === null || this.#tells().length === 0) return null
      const commit = (outbox: OutboxChange): Promise<boolean> =>
        new Promise((resolve) => {
          const replyTo = this.#replies.expectWritten(resolve)
          this.#turn(() => this.commit({ drafts: [], change: { outbox }, replyTo }))
        })
      const wakeAt = (time: number): void => this.#alarm.ask(time)
      const room = this.ctx.id.name ?? ''
      return new Teller({ room, backend, outbox: () => this.#log, commit, wakeAt, tell }, waiting)
    }

    #tells(): readonly WebhookEvent[] {
      return setupOf(this.env).backend?.tells(this.ctx.id.name ?? '') ?? []
    }

    #made(stored: ReturnType<ObjectLog['load']>): Room<unknown> {
      return new RoomOf(this, {
        name: this.ctx.id.name ?? '',
        limits: setupOf(this.env).limits,
        tells: this.#tells(),
        asks: setupOf(this.env).backend?.asks(this.ctx.id.name ?? '') ?? false,
        tally: this.#tally,
        ...stored,
      })
    }

    /** WS-11: it has pinged before, and has missed two since. */
    #isSilent(socket: WebSocket): boolean {
      const last = this.ctx.getWebSocketAutoResponseTimestamp(socket)
      return last !== null && Date.now() - last.getTime() > SILENCE
    }

    #left(socket: WebSocket): void {
      const connection = this.#sockets.get(socket)
      this.#sockets.delete(socket)
      if (connection !== undefined) this.#turn(() => this.#gone(connection))
    }

    #gone(connection: Connection): void {
      if (this.#connections.delete(connection)) this.#room.close(connection)
    }

    /** A timer only while somebody does not read: a pending one keeps the object awake. */
    #lookAfter(): void {
      if (this.#lookingAfter || !this.#room.hasStuck) return
      this.#lookingAfter = true
      setTimeout(() => {
        this.#lookingAfter = false
        this.#turn(() => this.#room.lookAfter())
      }, LOOK_AFTER)
    }
  }
}
