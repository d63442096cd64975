/**
 * The pace of a room (FAN-1): work that finds it quiet starts at once; while it is busy, what arrives gathers, and the
 * next turn starts no sooner than the last one took, or than its host thinks fair to all others. So packs and commits grow
 * with the load, and latency stays bounded by the cost of one turn. The host brings clock and timer.
 */
export class Beat {
  readonly #turn: () => void
  #busy = false
  #wanted = false

  /** `turn` does the work and sees to it that `rested` is called when the room has rested. */
  constructor(turn: () => void) {
    this.#turn = turn
  }

  get busy(): boolean {
    return this.#busy
  }

  /** There is work. */
  request(): void {
    if (this.#busy) this.#wanted = true
    else this.#start()
  }

  /** The last turn is over and rested from. */
  rested(): void {
    this.#busy = false
    if (this.#wanted) this.#start()
  }

  #start(): void {
    this.#busy = true
    this.#wanted = false
    this.#turn()
  }
}
