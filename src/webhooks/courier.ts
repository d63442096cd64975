import { type OutboxChange, type OutboxRow, WEBHOOK_BATCH } from '../protocol/webhook.ts'
import { DAY, retryAt } from './backoff.ts'
import type { Answer } from './target.ts'

/** What a courier needs of the host of its room. */
export interface CourierHost {
  readonly room: string
  /** The most events that may wait. */
  readonly waiting: number
  /** Rows that wait, the oldest first: at least one if there is one, and no more than `events` events in all. */
  oldest(events: number): readonly OutboxRow[]
  /** Writes it along with the next commit. False: it was not written. */
  commit(change: OutboxChange): Promise<boolean>
  /** One attempt. It never rejects, and ends in bounded time. */
  send(rows: readonly OutboxRow[]): Promise<Answer>
  /** → `wake`, not before that time (ms). */
  wakeAt(time: number): void
  now(): number
  /** 0 to 1. */
  random(): number
  /** Tells the operator. */
  log(line: string): void
}

/** Of one run (ms): after that it asks to be woken anew, so that a host can do other things in between. */
const RUN = 10_000
/** What one look may take from the outbox when it has to be cut, in events. */
const CUT = 1000

/**
 * Carries what one room has to tell to the backend: in order, a batch at a time, each until it is taken or given up.
 * All that it must not forget is in the outbox, so it may be thrown away at any time.
 */
export class Courier {
  readonly #host: CourierHost
  /** Events that wait. */
  #waiting: number
  #running: Promise<void> | null = null
  #carried: ReadonlySet<string> = new Set()
  #stopped = false
  #silent = false
  #overflows = false

  constructor(host: CourierHost, waiting: number) {
    this.#host = host
    this.#waiting = waiting
  }

  /** Nothing waits. */
  get idle(): boolean {
    return this.#waiting === 0 && this.#running === null
  }

  /** So many more events wait since the last commit. */
  added(events: number): void {
    this.#waiting += events
    if (this.#waiting > this.#host.waiting) this.#cut()
  }

  /** Delivers what is due. Resolves when there is nothing more to do for now; `wakeAt` has been asked for the rest. */
  run(): Promise<void> {
    this.#running ??= this.#carry().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  /** Begins no more attempts. Resolves when the one under way is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #carry(): Promise<void> {
    const until = this.#host.now() + RUN
    while (!this.#stopped) {
      const batch = this.#next()
      if (batch === null) return
      const at = batch[0]?.retry?.at ?? 0
      if (at > this.#host.now() || this.#host.now() > until) return this.#host.wakeAt(Math.max(at, this.#host.now()))
      this.#carried = new Set(batch.map(({ key }) => key))
      const answer = await this.#host.send(batch)
      const isDone = answer.isTaken ? await this.#delivered(batch) : await this.#failed(batch, answer)
      this.#carried = new Set()
      // What cannot be written now is tried again later, and so perhaps delivered twice.
      if (!isDone) return this.#host.wakeAt(retryAt(1, this.#host.now(), this.#host.random()))
    }
  }

  /** What is sent next: the batch that failed, as it was, or as much as waits. */
  #next(): readonly OutboxRow[] | null {
    const rows = this.#host.oldest(WEBHOOK_BATCH)
    const [first] = rows
    if (first === undefined) {
      this.#waiting = 0
      return null
    }
    return first.retry === null ? rows : rows.slice(0, first.retry.rows)
  }

  async #delivered(batch: readonly OutboxRow[]): Promise<boolean> {
    const isDone = await this.#host.commit({ sent: batch.map(({ key }) => key) })
    if (isDone) this.#waiting -= eventsOf(batch)
    if (isDone && this.#silent) this.#host.log(`The backend hears of room ${this.#host.room} again`)
    this.#silent = false
    this.#overflows = false
    return isDone
  }

  async #failed(batch: readonly OutboxRow[], { why, retryAfter = 0 }: Answer): Promise<boolean> {
    const host = this.#host
    const time = host.now()
    const [first] = batch as [OutboxRow, ...OutboxRow[]]
    const tries = (first.retry?.tries ?? 0) + 1
    if (!this.#silent)
      host.log(`The backend did not take what room ${host.room} has to tell (${why}); it is tried again for 24 hours`)
    this.#silent = true
    // What is behind it has waited as long for the same backend: it is given up with it, not tried for another day.
    const over = host.oldest(CUT).filter((row) => time - row.time >= DAY)
    if (over.length > 0) {
      host.log(`Room ${host.room}: ${eventsOf(over)} events go to the dead letters: not taken within 24 hours`)
      return this.#bury(over, `not taken within 24 hours: ${why}`)
    }
    const at = Math.max(retryAt(tries, time, host.random()), time + Math.min(retryAfter, 3600) * 1000)
    return host.commit({ retry: { key: first.key, retry: { tries, at, rows: batch.length } } })
  }

  /** More waits than may: the oldest goes, but not what is on its way. */
  #cut(): void {
    const rows = this.#host.oldest(CUT).filter(({ key }) => !this.#carried.has(key))
    const over: OutboxRow[] = []
    for (const row of rows) {
      if (this.#waiting - eventsOf(over) <= this.#host.waiting) break
      over.push(row)
    }
    if (over.length === 0) return
    const reason = `more than ${this.#host.waiting} waited`
    // Said once, not with each message that comes while nobody listens.
    if (!this.#overflows) this.#host.log(`Room ${this.#host.room}: the oldest events go to the dead letters: ${reason}`)
    this.#overflows = true
    void this.#bury(over, reason)
  }

  async #bury(rows: readonly OutboxRow[], reason: string): Promise<boolean> {
    this.#waiting -= eventsOf(rows)
    const isDone = await this.#host.commit({ bury: { keys: rows.map(({ key }) => key), reason, at: this.#host.now() } })
    if (!isDone) this.#waiting += eventsOf(rows)
    return isDone
  }
}

const eventsOf = (rows: readonly OutboxRow[]): number => rows.reduce((sum, { count }) => sum + count, 0)
