import type { Entry } from '../../protocol/entry.ts'
import type { Page, Scan, SessionRow, Settled, Work } from '../ports.ts'
import { EMPTY } from '../ports.ts'
import { type Known, type Log, place, type Stored, take } from './log.ts'

/** The reference: what every other log must do, in the least code. Nothing survives the process. */
export class MemoryLog implements Log {
  readonly #mark: string
  readonly #entries: Entry[] = []
  readonly #known = new Map<string, Known>()
  readonly #sessions = new Map<string, SessionRow>()
  #head = EMPTY
  #state: string | null = null
  #time = 0

  constructor(mark: string) {
    this.#mark = mark
  }

  load(): Stored {
    return { head: this.#head, sessions: [...this.#sessions.values()], state: this.#state }
  }

  append(works: readonly Work[], now: number): Settled {
    const ground = { head: this.#head, time: this.#time, mark: this.#mark, find: (key: string) => this.#known.get(key) }
    const placed = place(works, ground, now)
    this.#head = placed.head
    this.#time = placed.time
    for (const entry of placed.logged) this.#entries.push(entry)
    for (const [key, known] of placed.known) this.#known.set(key, known)
    for (const { put = [], drop = [], state } of placed.changes) {
      for (const row of put) this.#sessions.set(row.id, row)
      for (const id of drop) this.#sessions.delete(id)
      if (state !== undefined) this.#state = state
    }
    return placed
  }

  knows(dedupeKey: string): boolean {
    return this.#known.has(dedupeKey)
  }

  read(scan: Scan): Page {
    return take(scan.fromEnd ? this.#entries.toReversed() : this.#entries, scan, this.#head.floor)
  }
}
