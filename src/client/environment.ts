/** What a client needs of the world: handed in, so that tests have a clock that they turn themselves. */
export interface Environment {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs something later; the function that it returns takes that back. */
  after(milliseconds: number, run: () => void): () => void
  /** From 0 up to 1. */
  random(): number
  /** Reads what is told of rooms. */
  parse(json: string): unknown
  readonly timing: Timing
}

/** In milliseconds. */
export interface Timing {
  /** How long a transport may take until its first event; then it counts as blocked. */
  readonly patience: number
  /** How long an answer may take on a wire that stands; then nobody is there. One that has stood as long has proved itself. */
  readonly answer: number
  /** How long an event stream may be silent: two of its comments, and some. */
  readonly silence: number
  /** When a better transport is tried for the first time; then twice as late each time, up to 128 times. */
  readonly climb: number
}

/** 4 s: a new connection with TLS and an upgrade takes five round trips, which 3G does in 2 s. */
export const TIMING: Timing = {
  patience: 4000,
  answer: 10_000,
  silence: 35_000,
  climb: 5000,
}

export const environment: Environment = {
  now: Date.now,
  after(milliseconds, run) {
    // More than a timer can hold would be no time at all.
    const timer = setTimeout(run, Math.min(milliseconds, 2 ** 31 - 1))
    return () => clearTimeout(timer)
  },
  random: Math.random,
  parse: JSON.parse,
  timing: TIMING,
}
