import { LIMITS } from '../protocol/limits.ts'

/** Back within the grace (SES-4), with a third of it to connect in, nobody is seen to have left (ms). */
const LATEST = (LIMITS.grace * 2) / 3

/**
 * Seconds, with jitter, after which a client may come back: so that those who were sent away together do not come back
 * together. `clients`: how many were; 200 a second are taken in with ease, and more where their sessions would end before.
 */
export const retryAfter = (clients = 0): number =>
  Math.round((0.5 + Math.random() * Math.min(Math.max(4, clients / 200), LATEST / 1000)) * 10) / 10
