import { type Environment, TIMING } from '../../../src/client/environment.ts'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** Time that a test turns by itself, and chance that it chooses. */
export class Clock implements Environment {
  readonly timing = TIMING
  readonly parse = JSON.parse
  chance = 0.5
  #now = 1_700_000_000_000
  readonly #timers = new Set<Timer>()

  now = (): number => this.#now

  random = (): number => this.chance

  after = (milliseconds: number, run: () => void): (() => void) => {
    const timer = { at: this.#now + milliseconds, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How many wait. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Lets so many milliseconds pass, and all happen that is due in them, in its order. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#timers.delete(next)
      this.#now = next.at
      next.run()
    }
    this.#now = end
  }
}
