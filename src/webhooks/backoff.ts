/** How long what nobody takes is tried (ms). */
export const DAY = 24 * 3600 * 1000

const FIRST = 1000
const MOST = 15 * 60 * 1000

/** When the next attempt is made: twice as late each time, and never all rooms at once. `random`: 0 to 1. */
export const retryAt = (tries: number, now: number, random: number): number =>
  now + Math.round(Math.min(FIRST * 2 ** (tries - 1), MOST) * (0.5 + random / 2))
