/**
 * Seconds, with jitter, after which a client may come back: so that those who were sent away together do not come back
 * together. `clients`: how many were; 200 a second are taken in with ease.
 */
export const retryAfter = (clients = 0): number =>
  Math.round((0.5 + Math.random() * Math.max(4, clients / 200)) * 10) / 10
