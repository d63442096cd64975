/** Token buckets: so many a second, and a second's worth of them at once (LIMIT-1, LIMIT-2). */
export class Buckets<Key> {
  readonly #rate: number
  readonly #spent = new Map<Key, { debt: number; at: number }>()

  constructor(rate = Number.POSITIVE_INFINITY) {
    this.#rate = rate
  }

  /** Takes so many out of a bucket, all or none; the seconds to wait if they are not in it. More than it holds, a full one lends. */
  take(key: Key, now: number, count = 1): number | null {
    if (!Number.isFinite(this.#rate)) return null
    const known = this.#spent.get(key)
    const debt = known === undefined ? 0 : Math.max(known.debt - ((now - known.at) / 1000) * this.#rate, 0)
    const size = Math.max(this.#rate, 1)
    const over = debt + Math.min(count, size) - size
    if (over > 0) return over / this.#rate
    this.#spent.set(key, { debt: debt + count, at: now })
    if (this.#spent.size > FORGET) this.#forget(now)
    return null
  }

  delete(key: Key): void {
    this.#spent.delete(key)
  }

  /** Buckets that have filled up again need no keeping. */
  #forget(now: number): void {
    for (const [key, { debt, at }] of this.#spent) if (debt <= ((now - at) / 1000) * this.#rate) this.#spent.delete(key)
  }
}

const FORGET = 10_000
