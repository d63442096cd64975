import { Emitter } from './emitter.ts'
import type { HoldlineError } from './errors.ts'
import { Members } from './members.ts'
import { decode, type Invalid, type Message } from './message.ts'
import { Reader } from './reader.ts'
import type { Start } from './requests.ts'
import type { Feed, GapEvent, RoomEvents, RoomOptions, State } from './room.ts'
import type { Member, PresenceEvent, RawMessage, RoomEvent } from './transports/wire.ts'

/** Ephemeral messages that are remembered, since while one wire takes over from another both bring them. */
const REMEMBERED = 64
/** A reader that so many wait for has fallen behind, and has caught up again with a tenth of it. */
const BEHIND = 1000

/** Where a room's reader stands: takes what the wires bring, and hands it out in order, once. */
export abstract class Follower<T = unknown> extends Emitter<RoomEvents<T>> {
  readonly name: string
  protected readonly options: RoomOptions<T>
  /** The presence state that is to be, as JSON. */
  protected own: string | undefined
  readonly #members = new Members()
  readonly #readers = new Set<Reader<Feed<T>>>()
  #recent: string[] = []
  state: State = 'connecting'
  session = ''
  /** All up to here was handed out. */
  cursor: string | undefined
  /** Up to where everything has come, which is further while a schema takes its time. */
  #at: string | undefined
  #head = ''
  #last: Promise<void> | undefined

  constructor(name: string, options: RoomOptions<T>) {
    super()
    this.name = name
    this.options = options
    this.#at = this.cursor = options.cursor
    if (typeof options.presence === 'object') this.own = JSON.stringify(options.presence.state ?? null)
  }

  /** Somebody has read on. */
  protected abstract wasRead(): void

  /** The gateway does not know its presence state any more. */
  protected abstract restate(): void

  get members(): ReadonlyMap<string, Member> {
    return this.#members.all
  }

  get count(): number {
    return this.#members.count
  }

  [Symbol.asyncIterator](): AsyncGenerator<Feed<T>, undefined> {
    const reader = new Reader<Feed<T>>(() => this.wasRead())
    this.#readers.add(reader)
    if (this.state === 'closed') reader.end()
    return reader.read(() => {
      this.#readers.delete(reader)
      this.wasRead()
    })
  }

  // ---- What the client tells ----

  /** Where to go on from. */
  get start(): Start {
    const { rewind, presence } = this.options
    return {
      cursor: this.#at,
      rewind: this.#at === undefined ? rewind : undefined,
      presence: presence === undefined && this.own === undefined ? '0' : this.#members.rev,
    }
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
    if (state === this.state || this.state === 'closed') return
    this.state = state
    this.emit('state', state)
  }

  fail(error: HoldlineError): void {
    this.emit('error', error)
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
        this.session = event.session
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
      if (cursor <= (this.#at ?? '')) return false
      this.#at = cursor
      return true
    }
    if (this.#recent.includes(id)) return false
    this.#recent = [...this.#recent.slice(1 - REMEMBERED), id]
    return true
  }

  #hand(raw: RawMessage): void {
    const read = decode(raw, this.options.schema)
    const tell = (message: Message<T> | Invalid): void => {
      if (raw.cursor !== undefined) this.cursor = raw.cursor
      this.emit(message.type, message as Message<T> & Invalid)
      this.#feed(message)
    }
    this.#inOrder(() => (read instanceof Promise ? read.then(tell) : tell(read)))
  }

  #move(cursor: string): void {
    if (cursor <= (this.#at ?? '')) return
    this.#at = cursor
    this.#inOrder(() => {
      this.cursor = cursor
    })
  }

  #gap(gap: GapEvent): void {
    // Of a wire that asked from further back, and what it misses has come already.
    if (gap.after !== this.#at && gap.before <= (this.#at ?? '')) return
    this.#at = gap.before
    // Another log, or an older state of it: its head is told anew.
    if (gap.reason === 'epoch' || gap.reason === 'rolled-back') this.#head = ''
    this.#inOrder(() => {
      this.cursor = gap.before
      this.emit('gap', gap)
      this.#feed(gap)
    })
  }

  #presence(event: PresenceEvent): void {
    this.#members.heard(event)
    if (event.action === 'sync') this.#checkOwn()
    this.#inOrder(() => this.emit('presence', event))
  }

  /** After a long absence the session is a new one, that has said nothing of itself. */
  #checkOwn(): void {
    const known = this.members.get(this.session)
    if (this.own !== undefined && JSON.stringify(known?.state ?? null) !== this.own) this.restate()
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
