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
/** Operations of one WebSocket message (SIZE-2). */
const LOT_COUNT = 256

/**
 * What is to be sent, in its order. One lot is under way at a time: the gateway takes a lot in one turn, so what it
 * refuses for the moment (too many, too busy) is the end of the lot, and sent again it still stands in its order.
 */
export class Outbox {
  readonly #limit: number
  /** By the number that is its `ref`. Each keeps its number when it is sent again. */
  readonly #waiting = new Map<number, Item>()
  readonly #flying = new Map<number, Item>()
  #last = 0

  /** `limit`: how many may wait. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(item: Item): void {
    if (this.#waiting.size >= this.#limit) {
      item.done(new HoldlineError('queue_full', `${this.#limit} operations wait to be sent already`))
    } else this.#waiting.set(++this.#last, item)
  }

  /** The next lot, of rooms that are `ready`. Empty while one is under way. */
  take(ready: (room: string) => boolean, count = LOT_COUNT): [ref: number, item: Item][] {
    const lot: [number, Item][] = []
    let size = 0
    if (this.#flying.size > 0) return lot
    for (const [ref, item] of this.#waiting) {
      if (!ready(item.room)) continue
      size += item.fields.length
      if (lot.length === count || (lot.length > 0 && size > LOT)) break
      lot.push([ref, item])
    }
    for (const [ref, item] of lot) {
      this.#waiting.delete(ref)
      this.#flying.set(ref, item)
    }
    return lot
  }

  answered(ref: number, error: HoldlineError | undefined, answer?: Published): void {
    const item = this.#flying.get(ref)
    this.#flying.delete(ref)
    item?.done(error, answer)
  }

  /** It was refused for the moment. */
  postpone(ref: number, error: HoldlineError): void {
    const item = this.#flying.get(ref)
    if (item === undefined) return
    this.#flying.delete(ref)
    if (item.isEphemeral) item.done(error)
    else this.#putBack([[ref, item]])
  }

  /** No answer comes any more for what is under way, of one room or of all: under its id it is safe to send it again. */
  lost(room?: string): void {
    const lost = [...this.#flying].filter(([, item]) => room === undefined || item.room === room)
    for (const [ref, { isEphemeral }] of lost) {
      if (isEphemeral) this.answered(ref, new HoldlineError('unanswered', 'It may have arrived or not'))
      else this.#flying.delete(ref)
    }
    this.#putBack(lost.filter(([, { isEphemeral }]) => !isEphemeral))
  }

  /** Nothing is sent any more, for one room or for all. */
  fail(error: HoldlineError, room?: string): void {
    for (const items of [this.#flying, this.#waiting]) {
      for (const [ref, item] of items) {
        if (room !== undefined && item.room !== room) continue
        items.delete(ref)
        item.done(error)
      }
    }
  }

  /** What is under way, and can be no more: it is what made the wire end. */
  failFlying(error: HoldlineError): void {
    for (const ref of [...this.#flying.keys()]) this.answered(ref, error)
  }

  #putBack(items: readonly [number, Item][]): void {
    const all = [...items, ...this.#waiting].sort(([a], [b]) => a - b)
    this.#waiting.clear()
    for (const [ref, item] of all) this.#waiting.set(ref, item)
  }
}
