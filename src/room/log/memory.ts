import { comparePositions } from '../../protocol/cursor.ts'
import type { Entry } from '../../protocol/entry.ts'
import type { DeadLetter, OutboxRow } from '../../protocol/webhook.ts'
import type { Page, Scan, SessionRow, Settled, Work } from '../ports.ts'
import { EMPTY } from '../ports.ts'
import { type Known, type Log, place, rowsOf, type Stored, take } from './log.ts'
import { MemoryOutbox } from './memory-outbox.ts'
import type { Telling } from './outbox.ts'
import { endOf, NO_TAIL, prune, type Row } from './prune.ts'
import { RETENTION } from './retention.ts'

/** Rows pruned with one commit. */
const STEP = 4

interface MemoryRow extends Row {
  entries: readonly Entry[]
}

/** The reference: what every other log must do, in the least code. Nothing survives the process. */
export class MemoryLog implements Log {
  readonly #mark: string
  #kept: typeof RETENTION
  #rows: MemoryRow[] = []
  readonly #known = new Map<string, Known>()
  readonly #sessions = new Map<string, SessionRow>()
  readonly #outbox = new MemoryOutbox()
  readonly #telling: Telling | undefined
  #head = EMPTY
  #tail = NO_TAIL
  #state: string | null = null
  #time = 0

  constructor(mark: string, kept = RETENTION, telling?: Telling) {
    this.#mark = mark
    this.#telling = telling
    this.#kept = kept
  }

  /** As if it were opened again under another setting. */
  keep(kept: typeof RETENTION): void {
    this.#kept = kept
  }

  /** How many rows it has, husks among them. */
  get rows(): number {
    return this.#rows.length
  }

  load(): Stored {
    return {
      head: this.#head,
      sessions: [...this.#sessions.values()],
      state: this.#state,
      waiting: this.#outbox.waiting,
    }
  }

  append(works: readonly Work[], now: number): Settled {
    const ground = {
      head: this.#head,
      time: this.#time,
      ownsEpoch: this.#head.epochs.length > 0,
      mark: this.#mark,
      telling: this.#telling,
      find: (key: string) => this.#known.get(key),
    }
    const placed = place(works, ground, now)
    const { time } = placed
    for (const { first, entries, ids } of rowsOf(placed.logged, placed.known, Number.POSITIVE_INFINITY)) {
      const { epoch, offset } = first
      const keys = ids.length === 0 ? null : JSON.stringify(ids)
      this.#rows.push({ epoch, first: offset, last: offset + entries.length - 1, time, ids: keys, entries })
    }
    for (const [key, known] of placed.known) this.#known.set(key, known)
    this.#outbox.add(placed.outbox)
    for (const { put = [], drop = [], state, outbox } of placed.changes) {
      for (const row of put) this.#sessions.set(row.id, row)
      for (const id of drop) this.#sessions.delete(id)
      if (state !== undefined) this.#state = state
      if (outbox !== undefined) this.#outbox.change(outbox)
    }
    this.#time = time
    this.#head = this.#prune(placed.head, now)
    return { ...placed, head: this.#head }
  }

  knows(dedupeKey: string): boolean {
    return this.#known.has(dedupeKey)
  }

  untold(events: number): readonly OutboxRow[] {
    return this.#outbox.untold(events)
  }

  dead(after: string, limit: number): readonly DeadLetter[] {
    return this.#outbox.letters(after, limit)
  }

  read(scan: Scan): Page {
    const entries = this.#rows.flatMap((row) => row.entries)
    return take(scan.fromEnd ? entries.reverse() : entries, scan, this.#head.floor)
  }

  #prune(head: typeof EMPTY, now: number): typeof EMPTY {
    const tail = { ...this.#tail, oldest: this.#tail.oldest ?? this.#rows[0] ?? null }
    const pruned = prune(head, tail, this.#kept, now, STEP, {
      after: (floor, limit) => this.#rows.filter((row) => comparePositions(endOf(row), floor) > 0).slice(0, limit),
      first: (limit) => this.#rows.slice(0, limit),
    })
    this.#tail = pruned.tail
    for (const row of pruned.emptied) (row as MemoryRow).entries = []
    for (const { ids } of pruned.dropped) {
      for (const [key] of JSON.parse(ids ?? '[]') as [string][]) this.#known.delete(key)
    }
    if (pruned.dropped.length > 0) this.#rows = this.#rows.filter((row) => !pruned.dropped.includes(row))
    return pruned.head
  }
}
