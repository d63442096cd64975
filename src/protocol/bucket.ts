/** What was taken out of a token bucket: so many a second, and a second's worth of them at once. */
export interface Bucket {
  debt: number
  /** When that was the debt (ms). */
  at: number
}

const owed = ({ debt, at }: Bucket, rate: number, now: number): number => Math.max(debt - ((now - at) / 1000) * rate, 0)

export const isFull = (bucket: Bucket, rate: number, now: number): boolean => owed(bucket, rate, now) === 0

/** Takes so many, all or none; the seconds to wait if they are not in it. More than it holds, a full one lends. */
export function takeFrom(bucket: Bucket, rate: number, now: number, count = 1): number | null {
  // The clock may have been set back: what it was set back by is not owed.
  if (bucket.at > now) bucket.at = now
  const debt = owed(bucket, rate, now)
  const size = Math.max(rate, 1)
  const over = debt + Math.min(count, size) - size
  if (over > 0) return over / rate
  bucket.debt = debt + count
  bucket.at = now
  return null
}
