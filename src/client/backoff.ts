/** Milliseconds. */
const FIRST = 1000
const MOST = 30_000

/** Milliseconds of one number, up to all that it may be: after an outage thousands come back, and not at one moment. */
export const backoff = (failures: number, random: number): number => random * Math.min(MOST, FIRST * 2 ** failures)
