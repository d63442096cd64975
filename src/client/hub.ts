import { mayComeBack } from '../protocol/codes.ts'
import { refusedApart, rewindApart } from './apart.ts'
import { unguessable } from './bytes.ts'
import type { Client, ClientEvents, ClientOptions, ClientState } from './client.ts'
import { Emitter } from './emitter.ts'
import type { Environment } from './environment.ts'
import { HoldlineError } from './errors.ts'
import { FollowedRoom, type RoomHost } from './followed-room.ts'
import { Link, type LinkHost, type LinkState, NO_WIRE } from './link.ts'
import type { Item } from './outbox.ts'
import { type Query, Requests } from './requests.ts'
import type { RoomOptions } from './room.ts'
import { Sender } from './sender.ts'
import { Tokens } from './token.ts'
import { poll } from './transports/poll.ts'
import { sse } from './transports/sse.ts'
import { websocket } from './transports/websocket.ts'
import type { End, Leaving, RoomEvent, ServerEvent, Sink, TransportName, Wire } from './transports/wire.ts'

const DIALS = { websocket, sse, poll }
/** MULTI-1. */
const ROOMS = 32
/** Refusals that are about who asks, whichever the room. */
const OURS = ['unauthorized', 'token_expired', 'revoked', 'origin', 'host']
const IDLE: LinkState = { state: 'waiting', reason: 'no room' }

/** The rooms that a wire follows. */
interface Followed {
  readonly rooms: Set<string>
  readonly isMulti: boolean
}

/** What a client is inside: the rooms, and the link that carries them. */
export class Hub extends Emitter<ClientEvents> implements Client, LinkHost, RoomHost {
  readonly #over = new AbortController()
  /** Aborted when the client is closed. */
  readonly signal: AbortSignal = this.#over.signal
  readonly #environment: Environment
  readonly #rooms = new Map<string, FollowedRoom>()
  readonly #tokens: Tokens
  readonly #requests: Requests
  readonly #link: Link
  readonly #sender: Sender
  readonly #following = new WeakMap<Wire, Followed>()
  readonly #welcomed = new Set<string>()
  /** The rooms that were asked for last. */
  #dialled = ''
  #linkState: LinkState = IDLE
  #shown: ClientState = IDLE
  /** Somebody reads more slowly than it comes: the log keeps it until they have. */
  #isHeld = false
  #isChanging = false

  constructor(url: string | URL, options: ClientOptions, environment: Environment) {
    super()
    const { token, transports, session = unguessable(), queue = 1000 } = options
    this.#environment = environment
    this.#tokens = new Tokens(token, environment, (fresh) => this.#renewed(fresh))
    this.#requests = new Requests(`${url}`, session, this.#tokens)
    const all: readonly TransportName[] = 'WebSocket' in globalThis ? ['websocket', 'sse', 'poll'] : ['sse', 'poll']
    this.#link = new Link(transports ?? all, this, environment)
    this.#sender = new Sender(queue, environment, this.#requests, () =>
      this.#isHeld ? { rooms: this.#rooms, isMulti: false } : this.#followed(),
    )
  }

  get state(): ClientState {
    return this.#shown
  }

  room<T = unknown>(name: string, options: RoomOptions<T> = {}): FollowedRoom<T> {
    if (this.signal.aborted) throw new HoldlineError('closed', 'closed')
    // A comma would make two of it where several are named (MULTI-1).
    if (/[^\w.:~@-]/.test(name)) throw new HoldlineError('bad_room', `no room name: ${name}`)
    if (this.#rooms.has(name)) throw new HoldlineError('bad_request', `${name} is followed already`)
    if (this.#rooms.size >= ROOMS) throw new HoldlineError('bad_request', `at most ${ROOMS} rooms`)
    // Of that name one may have been left in this very turn, and the wire does not know it yet.
    if (this.#followed()?.rooms.has(name)) this.#reconcile()
    const room = new FollowedRoom<T>(name, options, this)
    // What it hands out is for whoever knows its type; here only what comes in is of interest.
    this.#rooms.set(name, room as unknown as FollowedRoom)
    this.#roomsChanged()
    return room
  }

  nudge(): void {
    this.#link.nudge()
  }

  // ---- What rooms ask ----

  send(item: Item): void {
    if (!this.#rooms.has(item.room)) item.done(new HoldlineError('closed', `${item.room} was left`))
    else this.#sender.send(item)
  }

  get<Answer>(room: string, path: string, query: Query): Promise<Answer> {
    return this.#requests.call<Answer>(this.#requests.at(room, path, query), { signal: this.signal })
  }

  leave(name: string): void {
    this.#end(name)
    this.#dialled = ''
    this.#roomsChanged()
  }

  close(error?: HoldlineError): void {
    if (this.signal.aborted) return
    this.#over.abort()
    this.#link.stop()
    this.#tokens.forget()
    for (const name of this.#rooms.keys()) this.#end(name, error)
    this.#sender.lost()
    if (error !== undefined) this.fail(error)
    this.#shown = { state: 'closed', reason: error?.message }
    this.emit('state', this.#shown)
  }

  // ---- What the link tells ----

  dial(transport: TransportName, sink: Sink): Wire {
    const rooms = [...this.#rooms.values()]
    const names = [...this.#rooms.keys()]
    this.#dialled = names.join()
    const ask = {
      rooms: names,
      url: (route: string, query?: Query) => this.#requests.following(rooms, route, query),
      token: async () => {
        await rewindApart(rooms, this.#requests, this.signal)
        return this.#tokens.get()
      },
    }
    const wire = DIALS[transport](this.#environment, ask, { ...sink, ended: (end) => sink.ended(this.#judge(end)) })
    this.#following.set(wire, { rooms: new Set(names), isMulti: names.length > 1 })
    return wire
  }

  opened(wire: Wire): void {
    this.#sender.opened(wire)
    this.#roomsChanged()
  }

  heard(events: readonly ServerEvent[]): void {
    if (this.#anyBehind()) {
      this.#hold()
      return
    }
    for (const event of events) this.#heard(event)
    this.#sender.flush()
    this.#show()
  }

  lost(): void {
    this.#welcomed.clear()
    this.#sender.lost()
  }

  refused(end: End): void {
    const { code = '', reason } = end
    const names = [...this.#rooms.keys()]
    const name = names.length === 1 ? names[0] : (end.room ?? names.find((each) => reason.startsWith(`${each}: `)))
    const error = new HoldlineError(code, reason)
    if (OURS.includes(code)) this.close(error)
    else if (name === undefined) void this.#isolate(error)
    else {
      this.#end(name, error)
      this.#roomsChanged()
    }
  }

  changed(state: LinkState): void {
    this.#linkState = state
    this.#show()
  }

  // ---- How it works ----

  #heard(event: ServerEvent): void {
    const { type, room: name = '' } = event
    const room = this.#rooms.get(name)
    if (type === 'ack') this.#sender.acked(event)
    else if (type === 'error') {
      if (event.ref !== undefined) this.#sender.refused(event)
      else (room ?? this).fail(new HoldlineError(event.code, event.message))
    } else if (type === 'left') {
      if (event.code !== undefined && room !== undefined) this.#left(name, event as Leaving)
    } else if (room !== undefined) {
      if (type === 'welcome') this.#welcomed.add(name)
      // Of one that was left something may be on its way, to another of its name.
      if (this.#welcomed.has(name)) room.heard(event as RoomEvent)
    }
  }

  fail(error: HoldlineError): void {
    this.emit('error', error)
  }

  /** MULTI-8: one room ended its part alone. */
  #left(name: string, { code, reason, retryAfter = 0 }: Leaving): void {
    this.#welcomed.delete(name)
    this.#followed()?.rooms.delete(name)
    this.#sender.lost(name)
    if (!mayComeBack(code)) this.#end(name, new HoldlineError(reason, `${name}: ${reason}`))
    else if (reason === 'token_expired') {
      // Rooms are joined by the connection's own token, so that needs a fresh one.
      this.#tokens.forget()
      this.#link.renew()
    } else this.#environment.after(retryAfter * 1000, () => this.#roomsChanged())
  }

  /** Several may change in one turn, and are one change. */
  #roomsChanged(): void {
    if (this.#isChanging) return
    this.#isChanging = true
    queueMicrotask(() => {
      this.#isChanging = false
      this.#reconcile()
      this.#show()
    })
  }

  /** Makes the wire follow the rooms that there are. */
  #reconcile(): void {
    if (this.#isHeld || this.signal.aborted) return
    const followed = this.#followed()
    if (this.#rooms.size === 0) {
      this.#link.stop()
      this.lost()
      this.#linkState = IDLE
    } else if (followed === undefined) {
      // What is being tried may be for other rooms.
      if (this.#dialled !== [...this.#rooms.keys()].join()) this.#link.renew()
      this.#link.start()
    } else this.#adapt(followed)
  }

  #adapt({ rooms, isMulti }: Followed): void {
    const missing = [...this.#rooms].filter(([name]) => !rooms.has(name))
    const extra = [...rooms].filter((name) => !this.#rooms.has(name))
    const { wire } = this.#link
    if (missing.length + extra.length > 0) {
      if (wire?.send === undefined || !isMulti) {
        this.#link.renew()
        return
      }
      for (const name of extra) rooms.delete(name)
      for (const [name] of missing) rooms.add(name)
      wire.send([
        ...extra.map((room) => JSON.stringify({ op: 'leave', room })),
        ...missing.map(([room, { start }]) => JSON.stringify({ op: 'join', room, ...start })),
      ])
    }
    this.#sender.flush()
  }

  #followed(): Followed | undefined {
    const { wire } = this.#link
    return wire && this.#following.get(wire)
  }

  wasRead(): void {
    if (!this.#isHeld || this.#anyBehind(0.1)) return
    this.#isHeld = false
    this.#roomsChanged()
  }

  /** A token that has ended may have an heir. */
  #judge(end: End): End {
    const { code } = end
    if (code === 'too_large') this.#sender.tooLarge(end.reason)
    if (code !== 'token_expired') return end
    this.#tokens.forget()
    return { ...end, final: !this.#tokens.isRenewable, retryAfter: end.retryAfter ?? 0 }
  }

  /** AUTH-8: a wire ends with its token, but a WebSocket can be told of the next. */
  #renewed(token: string): void {
    const { wire } = this.#link
    const { rooms = [], isMulti } = this.#followed() ?? {}
    if (wire?.send !== undefined) {
      wire.send([...rooms].map((room) => JSON.stringify({ op: 'auth', token, ...(isMulti && { room }) })))
    }
    // Each poll takes the token that there is.
    else if (this.#linkState.transport !== 'poll') this.#link.renew()
  }

  /** One room of several was refused, and the gateway does not say which. */
  async #isolate(error: HoldlineError): Promise<void> {
    this.changed({ state: 'waiting', reason: error.message })
    const refusals = await refusedApart([...this.#rooms.values()], this.#requests, this.signal)
    for (const [name, why] of refusals) this.#end(name, why)
    if (refusals.length > 0) this.#roomsChanged()
    else this.close(error)
  }

  #anyBehind(share?: number): boolean {
    return [...this.#rooms.values()].some((room) => room.isBehind(share))
  }

  #hold(): void {
    this.#isHeld = true
    this.#link.stop()
    this.lost()
    // By requests: what is said now may come from the reader itself, who reads on when it is said.
    this.#sender.opened(NO_WIRE)
    this.changed({ state: 'waiting', reason: 'the reader is behind' })
  }

  #show(): void {
    if (this.signal.aborted) return
    const { state } = this.#linkState
    let isRecovering = false
    for (const [name, room] of this.#rooms) {
      if (state !== 'open') room.become(state)
      else if (!this.#welcomed.has(name)) room.become('connecting')
      else room.become(room.isRecovering ? 'recovering' : 'open')
      isRecovering ||= room.state === 'recovering'
    }
    const shown: ClientState = isRecovering ? { ...this.#linkState, state: 'recovering' } : this.#linkState
    const { state: before, transport } = this.#shown
    // Why it waits, and how long, is news each time.
    if (shown === this.#shown || (shown.state === before && shown.transport === transport && state !== 'waiting'))
      return
    this.#shown = shown
    this.emit('state', shown)
  }

  #end(name: string, error?: HoldlineError): void {
    const room = this.#rooms.get(name)
    this.#rooms.delete(name)
    this.#welcomed.delete(name)
    this.#sender.fail(error ?? new HoldlineError('closed', `${name} was left`), name)
    room?.end(error)
    this.wasRead()
  }
}
