/** A timer takes no longer one (ms). What rings too early is asked for again. */
const LONGEST = 2 ** 31 - 1

/** A timer that is set again and again: the last time holds. It keeps no process alive. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ring: () => void) {
    this.#ring = ring
  }

  get isSet(): boolean {
    return this.#timer !== undefined
  }

  /** Rings not before that time (ms); null: not at all. */
  set(time: number | null): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (time === null) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#ring()
      },
      Math.min(Math.max(time - Date.now(), 1), LONGEST),
    ).unref()
  }
}
