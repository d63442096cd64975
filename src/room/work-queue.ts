import { wireSize } from '../protocol/entry.ts'
import type { Work } from './ports.ts'

/** What a room has handed over for its commit: waiting for the next one, or in the one under way. */
export class WorkQueue {
  #waiting: Work[] = []
  #committing: readonly Work[] = []
  #bytes = 0
  /** When the oldest that waits came, and the oldest of what is being committed (ms). */
  #waitingSince: number | undefined
  #since: number | undefined
  /** How many of them bear a key. */
  readonly #keys = new Map<string, number>()

  get waiting(): readonly Work[] {
    return this.#waiting
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Bytes that what waits takes up in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest of the commit under way was handed over (ms). */
  get since(): number | undefined {
    return this.#since
  }

  knows(dedupeKey: string): boolean {
    return this.#keys.has(dedupeKey)
  }

  /** `now`: ms. */
  push(work: Work, now: number): void {
    this.#waitingSince ??= now
    this.#waiting.push(work)
    this.#bytes += weigh(work)
    for (const key of keysOf(work)) this.#keys.set(key, (this.#keys.get(key) ?? 0) + 1)
  }

  /** Takes what the next commit shall write: at least one work, and about `most` bytes on the wire if they come apart. */
  take(most = Number.POSITIVE_INFINITY): readonly Work[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || bytes < most || this.#waiting[count]?.withPrevious)) {
      const work = this.#waiting[count++] as Work
      bytes += sizeOf(work)
      this.#bytes -= weigh(work)
    }
    this.#committing = this.#waiting.splice(0, count)
    this.#since = this.#waitingSince
    if (this.isEmpty) this.#waitingSince = undefined
    return this.#committing
  }

  /** The commit under way is over; what it was of. */
  done(): readonly Work[] {
    const works = this.#committing
    this.#committing = []
    for (const work of works) {
      for (const key of keysOf(work)) {
        const left = (this.#keys.get(key) ?? 0) - 1
        if (left > 0) this.#keys.set(key, left)
        else this.#keys.delete(key)
      }
    }
    return works
  }
}

/** What a message takes up while it waits, beside its text: ids, audience and objects. */
const OVERHEAD = 1024

const sizeOf = ({ drafts }: Work): number => drafts.reduce((sum, draft) => sum + wireSize(draft), 0)

const weigh = (work: Work): number => sizeOf(work) + OVERHEAD * work.drafts.length

const keysOf = ({ drafts }: Work): string[] =>
  drafts.flatMap(({ dedupe }) => (dedupe === undefined ? [] : [dedupe.key]))
