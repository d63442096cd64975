import type { Entry } from '../protocol/entry.ts'
import type { Figures } from './info.ts'

/** Upper bounds of what is told apart of the time from a publish to its sending (ms); beyond the last: `more`. */
const BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] as const
/** After so long (ms) the rate remembers a third of what was. */
const MEMORY = 10_000

/** What a room counts: once for each commit and group of receivers, however many messages or connections they have. */
export class RoomFigures {
  #messages = 0
  #deliveries = 0
  readonly #latency = [...BOUNDS, 0].fill(0)
  /** Messages that are remembered, and since when so many (ms). */
  #level = 0
  #at = 0

  /** Messages that were for all who are here, sent to so many at once. */
  delivered(messages: number, connections: number): void {
    this.#deliveries += messages * connections
  }

  /** What was committed has been sent; `since`: when the oldest of it was asked for (ms), where that is known. */
  settled(entries: readonly Entry[], now: number, since?: number): void {
    const count = entries.filter(({ type }) => type === 'message').length
    if (count === 0) return
    this.#messages += count
    this.#level = this.#levelAt(now) + count
    this.#at = now
    if (since === undefined) return
    const bucket = BOUNDS.findIndex((bound) => now - since <= bound)
    const place = bucket === -1 ? BOUNDS.length : bucket
    this.#latency[place] = (this.#latency[place] ?? 0) + count
  }

  /** Messages a second, of late. */
  rateAt(now: number): number {
    return Math.round(this.#levelAt(now) / (MEMORY / 1e5)) / 100
  }

  figuresAt(now: number): Figures {
    const names = [...BOUNDS.map(String), 'more']
    return {
      messages: this.#messages,
      deliveries: this.#deliveries,
      rate: this.rateAt(now),
      latency: Object.fromEntries(names.map((name, i) => [name, this.#latency[i] ?? 0])),
    }
  }

  #levelAt(now: number): number {
    return this.#level * Math.exp(Math.min(this.#at - now, 0) / MEMORY)
  }
}
