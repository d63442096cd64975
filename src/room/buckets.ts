import { type Bucket, isFull, takeFrom } from '../protocol/bucket.ts'

/** Token buckets, one for each who takes (LIMIT-1, LIMIT-2). */
export class Buckets<Key> {
  readonly #rate: number
  readonly #spent = new Map<Key, Bucket>()
  /** More than these, and those that have filled up are forgotten. */
  #most = FEW

  constructor(rate = Number.POSITIVE_INFINITY) {
    this.#rate = rate
  }

  /** Takes so many out of a bucket, all or none; the seconds to wait if they are not in it. More than it holds, a full one lends. */
  take(key: Key, now: number, count = 1): number | null {
    if (!Number.isFinite(this.#rate)) return null
    const known = this.#spent.get(key)
    const bucket = known ?? { debt: 0, at: now }
    const wait = takeFrom(bucket, this.#rate, now, count)
    if (known === undefined && wait === null) this.#spent.set(key, bucket)
    if (this.#spent.size > this.#most) this.#forget(now)
    return wait
  }

  delete(key: Key): void {
    this.#spent.delete(key)
  }

  /** Buckets that have filled up again need no keeping. Where few have, all are not looked through again for each that comes. */
  #forget(now: number): void {
    for (const [key, bucket] of this.#spent) if (isFull(bucket, this.#rate, now)) this.#spent.delete(key)
    this.#most = Math.max(FEW, 2 * this.#spent.size)
  }
}

const FEW = 10_000
