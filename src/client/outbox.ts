import { HoldlineError } from './errors.ts'

/** What became of a publish, once it is committed. */
export interface Published {
  readonly id: string
  /** Its place in the log; an ephemeral message has none. */
  readonly cursor?: string | undefined
  /** It was there already: an earlier try had arrived. */
  readonly duplicate?: true | undefined
}

/** An operation that waits for its answer. */
export interface Item {
  readonly op: 'publish' | 'presence'
  readonly room: string
  /** The members of its JSON that are the same on every transport. */
  readonly fields: string
  /** It is for now or not at all. */
  readonly isEphemeral: boolean
  done(error: HoldlineError | undefined, answer?: Published): void
}

/** Characters of one lot; a single operation may be longer. */
const LOT = 16_384
/** Of an operation beside its fields. So one WebSocket message has fewer than the 256 that it may have (SIZE-2). */
const AROUND = 100

/**
 * What is to be sent, in its order. One lot is under way at a time: the gateway takes a lot in one turn, so what it
 * refuses for the moment (too many, too busy) is the end of the lot, and sent again it still stands in its order.
 */
export class Outbox {
  readonly #limit: number
  /** By the number that is its `ref`, which it keeps when it is sent again: so the order stays. */
  readonly #items = new Map<number, Item>()
  readonly #flying = new Set<number>()
  #last = 0

  /** `limit`: how many may wait. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(item: Item): void {
    if (this.#items.size < this.#limit) this.#items.set(++this.#last, item)
    else item.done(new HoldlineError('queue_full', `${this.#limit} wait already`))
  }

  /** The next lot, of rooms that are `ready`, with so many characters at most if it is not one. Empty while one is under way. */
  take(ready: (room: string) => boolean, most = LOT): [ref: number, item: Item][] {
    const lot: [number, Item][] = []
    if (this.#flying.size > 0) return lot
    let size = 0
    for (const [ref, item] of this.#items) {
      if (!ready(item.room)) continue
      size += item.fields.length + AROUND
      if (lot.length > 0 && size > most) break
      lot.push([ref, item])
      this.#flying.add(ref)
    }
    return lot
  }

  answered(ref: number, error?: HoldlineError, answer?: Published): void {
    const item = this.#items.get(ref)
    this.#items.delete(ref)
    this.#flying.delete(ref)
    item?.done(error, answer)
  }

  /** It was refused for the moment, or no answer comes any more: under its id it is safe to send it again. */
  postpone(ref: number, error: HoldlineError): void {
    if (this.#items.get(ref)?.isEphemeral) this.answered(ref, error)
    else this.#flying.delete(ref)
  }

  /** Of one room, or of all. */
  lost(room?: string): void {
    for (const ref of this.#flying) {
      if (this.#isOf(ref, room)) this.postpone(ref, new HoldlineError('unanswered', 'it may have arrived'))
    }
  }

  /** Of one room. */
  fail(error: HoldlineError, room: string): void {
    for (const ref of this.#items.keys()) if (this.#isOf(ref, room)) this.answered(ref, error)
  }

  /** What is under way made the wire end. */
  failFlying(error: HoldlineError): void {
    for (const ref of this.#flying) this.answered(ref, error)
  }

  #isOf(ref: number, room = this.#items.get(ref)?.room): boolean {
    return this.#items.get(ref)?.room === room
  }
}
