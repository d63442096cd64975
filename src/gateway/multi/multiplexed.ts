import { type Bucket, takeFrom } from '../../protocol/bucket.ts'
import { CLOSE, TOO_BIG } from '../../protocol/codes.ts'
import { type ErrorCode, isTransient, Refusal } from '../../protocol/errors.ts'
import { closingEvent, errorEvent, PING_TEXT, PONG, PONG_TEXT } from '../../protocol/events.ts'
import { frameLimit, LIMITS } from '../../protocol/limits.ts'
import type { Ref } from '../../protocol/operations.ts'
import { retryAfter } from '../advice.ts'
import type { HeldSocket, Runtime, SocketHandler } from '../ports.ts'
import type { Asked, Start } from './asked.ts'
import { type End, endOf } from './ends.ts'
import { Legs, type Trunk } from './legs.ts'
import { inRoom, type Line } from './lines.ts'
import { type MultiOperation, readOperations } from './operations.ts'
import { Outbox } from './outbox.ts'

/** Two missed pings and the time that one may take (ms). */
const SILENCE = (2 * LIMITS.heartbeat + 5) * 1000
/** RFC 6455 section 7.4.1. */
const INTERNAL_ERROR = 1011
const NOT_JOINED = 'The room is not joined'
/** How often a client that does not read is looked after (ms): not every runtime says that a socket drained. */
const LOOK_AFTER = 250

type Forward = Extract<MultiOperation, { op: 'forward' }>

/** A client's WebSocket that carries several rooms (MULTI-5 to MULTI-8, MULTI-11). */
export class Multiplexed implements SocketHandler, Trunk {
  readonly #socket: HeldSocket
  readonly #runtime: Runtime
  readonly #legs: Legs
  readonly #outbox: Outbox
  /** Whether it is present in rooms that it joins: where it is in one, it is in all. */
  readonly #presence: '0' | '1'
  /** Rooms that have not greeted it yet, and the refs of those that it joined by an operation. */
  readonly #joining = new Map<string, Ref | undefined>()
  /** Joins and tokens, and those of them that were refused. */
  readonly #pace: Bucket = { debt: 0, at: 0 }
  readonly #refused: Bucket = { debt: 0, at: 0 }
  #heardAt = 0
  #listening: ReturnType<typeof setTimeout> | undefined
  #lookingAfter: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(socket: HeldSocket, asked: Asked, runtime: Runtime) {
    this.#socket = socket
    this.#runtime = runtime
    this.#legs = new Legs(runtime, 'websocket', asked, this)
    this.#outbox = new Outbox(socket, () => this.#flushed())
    this.#presence = [...asked.starts.values()].some(({ presence }) => presence !== undefined) ? '1' : '0'
    for (const [room, start] of asked.starts) this.#join(room, start)
  }

  // ---- What the socket tells ----

  message(data: string | Uint8Array): void {
    if (this.#over) return
    this.#heardAt = Date.now()
    if (data === PING_TEXT) {
      this.#expectMore()
      this.#socket.send(PONG_TEXT)
    } else if (data.length > frameLimit(this.#runtime.payloadLimit)) this.#end(endOf(TOO_BIG, 'too_large'))
    else this.#operations(data)
  }

  drained(): void {
    this.#legs.drained()
  }

  closed(): void {
    this.#over = true
    if (this.#listening !== undefined) clearTimeout(this.#listening)
    if (this.#lookingAfter !== undefined) clearTimeout(this.#lookingAfter)
    this.#legs.close()
  }

  sendAway(): void {
    this.#end(endOf(CLOSE.drain, 'drain'))
  }

  // ---- What the rooms tell ----

  heard(room: string, lines: readonly Line[]): void {
    for (const { type, json } of lines) this.#outbox.push(type === 'welcome' ? this.#welcome(room, json) : json)
  }

  credit(): number {
    const credit = this.#outbox.credit()
    if (credit <= 0 && !this.#over) this.#lookAfter()
    return credit
  }

  ended(room: string, end: End): void {
    const ref = this.#joining.get(room)
    this.#joining.delete(room)
    // The machine goes down, and all its rooms with it.
    if (end.code === CLOSE.drain) this.#end(end)
    else this.#left(room, ref, end)
  }

  // ---- How it works ----

  #operations(data: string | Uint8Array): void {
    try {
      if (typeof data !== 'string') throw new Refusal('bad_request', 'Operations are sent as text')
      const forwards: Forward[] = []
      for (const parsed of readOperations(data, this.#presence)) {
        if (this.#over) return
        if (parsed.op === undefined) this.#refuse(parsed.ref, parsed.refusal.code, parsed.refusal.message)
        else if (this.#isTooFast(parsed)) continue
        else if (parsed.op === 'forward') forwards.push(parsed)
        else {
          // A room hears what was sent before it is left, and nothing that was sent before it is joined.
          this.#forward(forwards.splice(0))
          this.#operate(parsed)
        }
      }
      this.#forward(forwards)
    } catch (error) {
      if (error instanceof Refusal) this.#refuse(undefined, error.code, error.message)
      else {
        this.#runtime.report(error)
        this.#end(endOf(INTERNAL_ERROR, 'internal'))
      }
    }
  }

  /** What is for one room goes as one message, which costs a room that sleeps on the edge one wake and one turn. */
  #forward(operations: readonly Forward[]): void {
    for (const [room, own] of Map.groupBy(operations, (each) => each.room)) {
      const texts = own.map(({ text }) => text)
      for (const { token } of own) if (token !== undefined && this.#legs.has(room)) this.#legs.renew(token)
      if (!this.#legs.has(room)) for (const { ref } of own) this.#refuse(ref, 'not_found', NOT_JOINED, room)
      else if (!this.#legs.send(room, own.length === 1 ? `${texts[0]}` : `[${texts.join(',')}]`)) {
        for (const { ref } of own) this.#refuse(ref, 'busy', 'The room has not taken yet what was sent before', room)
      }
    }
  }

  /** MULTI-7: each join opens a room, which on the edge wakes, and each token is verified. */
  #isTooFast(operation: MultiOperation): boolean {
    // One that is joined already is no join, and not left by it.
    const isJoin = operation.op === 'join' && !this.#legs.has(operation.room)
    const isCounted = isJoin || (operation.op === 'forward' && operation.token !== undefined)
    if (!isCounted || this.#runtime.rate === undefined) return false
    // A client may always join all that it may have at once.
    const rate = Math.max(this.#runtime.rate, this.#runtime.roomsPerConnection)
    const wait = takeFrom(this.#pace, rate, Date.now())
    if (wait === null) return false
    const { room, ref, op } = operation
    const end = endOf(CLOSE.rate, 'rate', Math.ceil(wait))
    if (op === 'join') this.#left(room, ref, end)
    else this.#refuse(ref, 'rate', 'Too many tokens in a short time', room)
    if (takeFrom(this.#refused, rate, Date.now()) !== null) this.#end(end)
    return true
  }

  #operate(operation: Exclude<MultiOperation, Forward>): void {
    const { op, ref } = operation
    switch (op) {
      case 'probe':
        break
      case 'ping':
        this.#expectMore()
        this.#outbox.push(PONG.json)
        break
      case 'join': {
        const { room, start } = operation
        if (this.#legs.has(room)) this.#refuse(ref, 'bad_request', 'It is joined already; leave it first', room)
        else if (this.#legs.size >= this.#runtime.roomsPerConnection) {
          this.#refuse(
            ref,
            'bad_request',
            `A connection has at most ${this.#runtime.roomsPerConnection} rooms; leave one first`,
            room,
          )
        } else this.#join(room, start, ref)
        break
      }
      case 'leave': {
        const { room } = operation
        if (!this.#legs.has(room)) this.#refuse(ref, 'not_found', NOT_JOINED, room)
        else {
          this.#legs.leave(room)
          this.#joining.delete(room)
          this.#left(room, ref)
        }
        break
      }
    }
  }

  #join(room: string, start: Start, ref?: Ref): void {
    this.#joining.set(room, ref)
    this.#legs.join(room, start)
  }

  #welcome(room: string, json: string): string {
    const ref = this.#joining.get(room)
    this.#joining.delete(room)
    return ref === undefined ? json : `{"ref":${JSON.stringify(ref)},${json.slice(1)}`
  }

  #left(room: string, ref: Ref | undefined, end?: End): void {
    this.#outbox.push(JSON.stringify({ type: 'left', room, ...(ref !== undefined && { ref }), ...end }))
  }

  #refuse(ref: Ref | undefined, code: ErrorCode, message: string, room?: string): void {
    const { json } = errorEvent(ref, code, message, isTransient(code) ? retryAfter() : undefined)
    this.#outbox.push(room === undefined ? json : inRoom(json, room))
  }

  #flushed(): void {
    if (this.#over || this.#outbox.credit() >= -this.#legs.overdraft) return
    this.#end(endOf(CLOSE.more, 'more'))
  }

  #lookAfter(): void {
    this.#lookingAfter ??= setTimeout(() => {
      this.#lookingAfter = undefined
      if (this.credit() > 0) this.#legs.drained()
    }, LOOK_AFTER)
  }

  /** WS-11: who pings must go on pinging. */
  #expectMore(): void {
    this.#listening ??= setTimeout(() => this.#listen(), SILENCE)
  }

  #listen(): void {
    const left = this.#heardAt + SILENCE - Date.now()
    if (left <= 0) this.#end(endOf(CLOSE.silent, 'silent'))
    else this.#listening = setTimeout(() => this.#listen(), left)
  }

  #end(end: End): void {
    if (this.#over) return
    this.closed()
    this.#outbox.push(closingEvent(end.code, end.reason, end.retryAfter).json)
    this.#outbox.flush()
    this.#socket.close(end.code, end.reason)
  }
}
