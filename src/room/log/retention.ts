/** How much of a room is kept: at least its newest `count` messages, unless they are older than `age` (ms). */
export interface Retention {
  readonly count: number
  readonly age: number
}

/** Milliseconds. */
export const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export const RETENTION: Retention = { count: 10_000, age: 7 * UNITS.d }

/** So long a repeat is known, also when its message has been pruned (PUB-5). */
export const REMEMBERED = 10 * UNITS.m
