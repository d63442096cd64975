/** A timer takes no longer one (ms). What rings too early is asked for again. */
const LONGEST = 2 ** 31 - 1

/** A timer that is set again and again: the last time holds. It keeps no process alive. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #time: number | null = null

  constructor(ring: () => void) {
    this.#ring = ring
  }

  get isSet(): boolean {
    return this.#timer !== undefined
  }

  /** Rings not before that time (ms); null: not at all. */
  set(time: number | null): void {
    // A room asks each time that somebody comes or goes.
    if (time === this.#time) return
    this.#time = time
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (time === null) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#time = null
        this.#ring()
      },
      Math.min(Math.max(time - Date.now(), 1), LONGEST),
    ).unref()
  }
}
