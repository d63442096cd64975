/** Failures in a row after which nobody is kept waiting for the next. */
const FAILURES = 8
/** How long nothing is tried then (ms). */
const REST = 1000

/** Knows whether it is any use to ask: one that has not answered for a while is tried once a second. */
export class Circuit {
  #failures = 0
  #until = 0

  /** May one more be tried? */
  allows(now: number): boolean {
    if (this.#failures < FAILURES) return true
    if (now < this.#until) return false
    this.#until = now + REST
    return true
  }

  succeeded(): void {
    this.#failures = 0
  }

  failed(now: number): void {
    if (++this.#failures >= FAILURES) this.#until = now + REST
  }
}
