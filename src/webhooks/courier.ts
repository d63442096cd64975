import type { Tell } from '../protocol/journal.ts'
import { type OutboxChange, type OutboxRow, type Retry, WEBHOOK_BATCH } from '../protocol/webhook.ts'
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
  readonly tell: Tell
  /** So many events went to the dead letters. */
  buried(events: number): void
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
  /** What is on its way: keys, and how many events. */
  #carried: ReadonlySet<string> = new Set()
  #carriedEvents = 0
  /** Keys of what is being buried. */
  readonly #leaving = new Set<string>()
  #stopped = false
  #silent = false
  #overflows = false

  constructor(host: CourierHost, waiting: number) {
    this.#host = host
    this.#waiting = waiting
  }

  /** Events that wait. */
  get waiting(): number {
    return this.#waiting
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
      this.#carriedEvents = eventsOf(batch)
      const answer = await this.#host.send(batch)
      const isDone = answer.isTaken ? await this.#delivered(batch) : await this.#failed(batch, answer)
      this.#carried = new Set()
      this.#carriedEvents = 0
      if (this.#waiting > this.#host.waiting) this.#cut()
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
    if (isDone && this.#silent) this.#host.tell('info', 'The backend hears of a room again', { room: this.#host.room })
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
      host.tell('warn', 'The backend did not take what a room has to tell; it is tried again for 24 hours', {
        room: host.room,
        why,
      })
    this.#silent = true
    // What is behind it has waited as long for the same backend: it is given up with it, not tried for another day.
    const at = Math.max(retryAt(tries, time, host.random()), time + Math.min(retryAfter, 3600) * 1000)
    const rows = this.#oldest()
    const over = rows.filter((row) => time - row.time >= DAY)
    if (over.length > 0) {
      return this.#bury(over, `not taken within 24 hours: ${why}`, rows[over.length], { tries, at, rows: 1 })
    }
    return host.commit({ retry: { key: first.key, retry: { tries, at, rows: batch.length } } })
  }

  /** More waits than may: the oldest goes. What is on its way is not counted, and goes only if it was not taken. */
  #cut(): void {
    const rows = this.#oldest().filter(({ key }) => !this.#carried.has(key))
    let excess = this.#waiting - this.#carriedEvents - this.#host.waiting
    const over: OutboxRow[] = []
    for (const row of rows) {
      if (excess <= 0) break
      excess -= row.count
      over.push(row)
    }
    if (over.length === 0) return
    const reason = `more than ${this.#host.waiting} waited`
    // Said once, not with each message that comes while nobody listens.
    const isNews = !this.#overflows
    this.#overflows = true
    void this.#bury(over, reason, rows[over.length], over.find(({ retry }) => retry !== null)?.retry ?? null, isNews)
  }

  /** `retry`: what the next one, which is tried in their place, waits for; else a dead backend would be asked at once. */
  async #bury(
    rows: readonly OutboxRow[],
    reason: string,
    next: OutboxRow | undefined,
    retry: Retry | null,
    isNews = true,
  ): Promise<boolean> {
    const { room } = this.#host
    if (isNews) this.#host.tell('error', 'Events go to the dead letters', { room, events: eventsOf(rows), reason })
    const keys = rows.map(({ key }) => key)
    this.#waiting -= eventsOf(rows)
    for (const key of keys) this.#leaving.add(key)
    const isDone = await this.#host.commit({
      bury: { keys, reason, at: this.#host.now() },
      ...(next !== undefined && retry !== null && { retry: { key: next.key, retry: { ...retry, rows: 1 } } }),
    })
    for (const key of keys) this.#leaving.delete(key)
    if (isDone) this.#host.buried(eventsOf(rows))
    else this.#waiting += eventsOf(rows)
    return isDone
  }

  #oldest(): OutboxRow[] {
    return this.#host.oldest(CUT).filter(({ key }) => !this.#leaving.has(key))
  }
}

const eventsOf = (rows: readonly OutboxRow[]): number => rows.reduce((sum, { count }) => sum + count, 0)
