import type { Gap } from '../protocol/events.ts'
import { Emitter } from './emitter.ts'
import type { HoldlineError } from './errors.ts'
import { Members } from './members.ts'
import { decode, type Invalid, type Message } from './message.ts'
import { Reader } from './reader.ts'
import type { Schema } from './schema.ts'
import type { PresenceEvent, RawMessage, RoomEvent } from './transports/wire.ts'

/** Where the client is: in a room, or with all of them. */
export type State = 'connecting' | 'open' | 'recovering' | 'waiting' | 'closed'

/** A range that could not be recovered (FOLLOW-3). */
export type GapEvent = { readonly type: 'gap' } & Gap

export interface RoomOptions<T = unknown> {
  /** Start after this cursor. Default: from now. */
  readonly cursor?: string
  /** Without a cursor: start so many messages back, at most 1,000. */
  readonly rewind?: number
  /** Be present, with this state or none, and hear of the others. Default: neither. */
  readonly presence?: true | { readonly state: unknown }
  /** What data must be, both what comes and what is published. */
  readonly schema?: Schema<T>
}

export interface RoomEvents<T> {
  message: Message<T>
  /** Data that is not what the schema says; the room goes on after it. */
  invalid: Invalid
  gap: GapEvent
  presence: PresenceEvent
  state: State
  /** What the gateway refused and nobody waits for; or why the room is closed. */
  error: HoldlineError
}

/** What can be read by `for await`: all that the log has to say. */
export type Feed<T> = Message<T> | Invalid | GapEvent

/** Ephemeral messages that are remembered, since while one wire takes over from another both bring them. */
const REMEMBERED = 64
/** A reader that so many wait for has fallen behind, and has caught up again with a tenth of it. */
const BEHIND = 1000

/** Where a room's reader stands: takes what the wires bring, and hands it out in order, once. */
export class Follower<T = unknown> {
  readonly events = new Emitter<RoomEvents<T>>()
  readonly members = new Members()
  readonly #options: RoomOptions<T>
  readonly #readers = new Set<Reader<Feed<T>>>()
  readonly #recent = new Set<string>()
  readonly #wasRead: () => void
  readonly #restate: (state: string) => void
  #state: State = 'connecting'
  #session = ''
  /** Up to where everything has come; `#cursor` is behind it while a schema takes its time. */
  #at: string | undefined
  #cursor: string | undefined
  #head = ''
  /** The presence state that is to be, as JSON. */
  #own: string | undefined
  #last: Promise<void> | undefined

  /** `wasRead`: somebody has read on. `restate`: the gateway does not know this presence state (JSON) any more. */
  constructor(options: RoomOptions<T>, wasRead: () => void, restate: (state: string) => void) {
    this.#options = options
    this.#wasRead = wasRead
    this.#restate = restate
    this.#at = this.#cursor = options.cursor
    if (typeof options.presence === 'object') this.#own = JSON.stringify(options.presence.state ?? null)
  }

  get state(): State {
    return this.#state
  }

  get session(): string {
    return this.#session
  }

  get cursor(): string | undefined {
    return this.#cursor
  }

  set presence(state: string) {
    this.#own = state
  }

  read(): AsyncGenerator<Feed<T>, undefined> {
    const reader = new Reader<Feed<T>>(this.#wasRead)
    this.#readers.add(reader)
    if (this.#state === 'closed') reader.end()
    return reader.read(() => {
      this.#readers.delete(reader)
      this.#wasRead()
    })
  }

  /** Where to go on from. */
  get start(): { cursor?: string; rewind?: number; presence: string } {
    const { rewind, presence } = this.#options
    const from = this.#at !== undefined ? { cursor: this.#at } : rewind !== undefined ? { rewind } : {}
    return { ...from, presence: presence === undefined && this.#own === undefined ? '0' : this.members.rev }
  }

  /** There is more in the log than has come. */
  get isRecovering(): boolean {
    return (this.#at ?? '') < this.#head
  }

  /** The most that waits to be read. */
  isBehind(share = 1): boolean {
    for (const { behind } of this.#readers) if (behind > BEHIND * share) return true
    return false
  }

  become(state: State): void {
    if (state === this.#state || this.#state === 'closed') return
    this.#state = state
    this.events.emit('state', state)
  }

  fail(error: HoldlineError): void {
    this.events.emit('error', error)
  }

  end(error?: HoldlineError): void {
    if (error !== undefined) this.fail(error)
    this.become('closed')
    this.#inOrder(() => {
      for (const reader of this.#readers) reader.end()
    })
  }

  heard(event: RoomEvent): void {
    switch (event.type) {
      case 'welcome':
        this.#session = event.session
        this.#at ??= event.cursor
        this.#sawHead(event.head)
        break
      case 'head':
        this.#sawHead(event.head)
        break
      case 'message':
        if (this.#isNew(event)) this.#hand(event)
        break
      case 'cursor':
        this.#move(event.cursor)
        break
      case 'gap':
        this.#gap(event)
        break
      case 'presence':
        this.#presence(event)
    }
  }

  #sawHead(head = ''): void {
    if (head > this.#head) this.#head = head
  }

  /** Cursors sort, so what two wires bring while one takes over from the other is known by them. */
  #isNew({ cursor, id }: RawMessage): boolean {
    if (cursor !== undefined) {
      if (this.#at !== undefined && cursor <= this.#at) return false
      this.#at = cursor
      return true
    }
    if (this.#recent.has(id)) return false
    this.#recent.add(id)
    if (this.#recent.size > REMEMBERED) for (const oldest of this.#recent) return this.#recent.delete(oldest)
    return true
  }

  #hand(raw: RawMessage): void {
    const read = decode(raw, this.#options.schema)
    const tell = (message: Message<T> | Invalid): void => {
      if (raw.cursor !== undefined) this.#cursor = raw.cursor
      if (message.type === 'invalid') this.events.emit('invalid', message)
      else this.events.emit('message', message)
      this.#feed(message)
    }
    this.#inOrder(() => (read instanceof Promise ? read.then(tell) : tell(read)))
  }

  #move(cursor: string): void {
    if (this.#at !== undefined && cursor <= this.#at) return
    this.#at = cursor
    this.#inOrder(() => {
      this.#cursor = cursor
    })
  }

  #gap(gap: GapEvent): void {
    // Of a wire that asked from further back, and what it misses has come already.
    if (gap.after !== this.#at && this.#at !== undefined && gap.before <= this.#at) return
    this.#at = gap.before
    // Another log, or an older state of it: its head is told anew.
    if (gap.reason === 'epoch' || gap.reason === 'rolled-back') this.#head = ''
    this.#inOrder(() => {
      this.#cursor = gap.before
      this.events.emit('gap', gap)
      this.#feed(gap)
    })
  }

  #presence(event: PresenceEvent): void {
    this.members.heard(event)
    if (event.action === 'sync') this.#checkOwn()
    this.#inOrder(() => this.events.emit('presence', event))
  }

  /** After a long absence the session is a new one, that has said nothing of itself. */
  #checkOwn(): void {
    const known = this.members.all.get(this.#session)
    if (this.#own !== undefined && JSON.stringify(known?.state ?? null) !== this.#own) this.#restate(this.#own)
  }

  #feed(event: Feed<T>): void {
    for (const reader of this.#readers) reader.push(event)
  }

  /** A schema may take its time; what comes after waits for it. */
  #inOrder(step: () => void | Promise<void>): void {
    const next = this.#last === undefined ? step() : this.#last.then(step)
    if (!(next instanceof Promise)) return
    const last = next.then(() => {
      if (this.#last === last) this.#last = undefined
    })
    this.#last = last
  }
}
