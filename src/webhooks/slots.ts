/** Lets so many do something at once; the others wait their turn, and no more of them than may. */
export class Slots {
  #free: number
  readonly #most: number
  readonly #waiting: (() => void)[] = []

  /** `most`: how many may wait. */
  constructor(count: number, most = Number.POSITIVE_INFINITY) {
    this.#free = count
    this.#most = most
  }

  /** Null: too many wait already. */
  use<T>(act: () => Promise<T>): Promise<T> | null {
    return this.#free === 0 && this.#waiting.length >= this.#most ? null : this.#use(act)
  }

  async #use<T>(act: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free--
    try {
      return await act()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

/** Questions to a backend under way at once, about who may connect and about messages: each of all rooms of a process. */
const ASKED_AT_ONCE = 64
/**
 * How many visitors, and how many messages, may wait for their turn. Each waits no longer than the backend may take, so
 * more would wait in vain, unless it answers within milliseconds.
 */
const VISITORS_WAITING = 1024
const MESSAGES_WAITING = 4096
/** Attempts to tell under way at once, of all rooms of a process. */
const TOLD_AT_ONCE = 16

/** Whose turn it is, at each of what a backend is told and asked. */
export interface Turns {
  readonly telling: Slots
  readonly visitors: Slots
}

export const turnsOfProcess = (): Turns => ({
  telling: new Slots(TOLD_AT_ONCE),
  visitors: new Slots(ASKED_AT_ONCE, VISITORS_WAITING),
})

/**
 * On the edge nobody waits for another's turn: an object or a request that is cut off never gives its turn back. There
 * the platform bounds what is under way.
 */
export const turnsOfEdge = (): Turns => ({
  telling: new Slots(Number.POSITIVE_INFINITY),
  visitors: new Slots(Number.POSITIVE_INFINITY),
})

/** Of all rooms of a process; on the edge of each object. */
export const messageSlots = (): Slots => new Slots(ASKED_AT_ONCE, MESSAGES_WAITING)
