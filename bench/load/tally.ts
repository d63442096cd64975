import { senderOf, sequenceOf } from './message.ts'

/** Milliseconds in buckets of 50 µs, up to 20 s. */
export class Histogram {
  readonly #buckets = new Uint32Array(400_001)
  count = 0

  add(milliseconds: number): void {
    const bucket = (milliseconds * 20) | 0
    const index = Math.max(0, Math.min(bucket, 400_000))
    this.#buckets[index] = (this.#buckets[index] as number) + 1
    this.count++
  }

  clear(): void {
    this.#buckets.fill(0)
    this.count = 0
  }

  /** Of `total` that were expected: what never came took infinitely long. */
  quantile(q: number, total: number): number {
    let left = Math.ceil(total * q)
    if (left === 0) return Number.NaN
    for (let i = 0; i < this.#buckets.length; i++) {
      left -= this.#buckets[i] as number
      if (left <= 0) return (i + 1) / 20
    }
    return Number.POSITIVE_INFINITY
  }
}

export interface Plan {
  perSecond: number
  publishers: number
  warmUp: number
  seconds: number
}

/** Whoever is told that messages arrive. */
export interface Arrivals {
  disorder: number
  arrived(key: number, now: number): void
}

/**
 * When each message is due, and what became of all of them. Latency counts from the instant a message was due,
 * not from when the generator came to send it: a generator that stalls cannot make the server look fast.
 */
export class Tally implements Arrivals {
  readonly latency = new Histogram()
  readonly lag = new Histogram()
  delivered = 0
  /** Messages that came twice or in another order. */
  disorder = 0
  readonly interval: number
  readonly #plan: Plan
  #start = Number.POSITIVE_INFINITY

  constructor(plan: Plan) {
    this.interval = 1000 / plan.perSecond
    this.#plan = plan
  }

  begin(now: number): void {
    this.#start = now
  }

  get from(): number {
    return this.#start + this.#plan.warmUp * 1000
  }

  get until(): number {
    return this.from + this.#plan.seconds * 1000
  }

  /** When the n-th message of the run is due; publishers take turns. */
  dueOf(n: number): number {
    return this.#start + n * this.interval
  }

  /** `now`: NaN where it is not known when, only that it came. */
  arrived(key: number, now: number): void {
    this.delivered++
    if (!Number.isNaN(now)) this.#record(this.latency, key, now)
  }

  sent(key: number, now: number): void {
    this.#record(this.lag, key, now)
  }

  #record(into: Histogram, key: number, now: number): void {
    const due = this.dueOf(sequenceOf(key) * this.#plan.publishers + senderOf(key))
    if (due >= this.from && due < this.until) into.add(now - due)
  }
}
