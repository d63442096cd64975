import { comparePositions, type Position } from '../../protocol/cursor.ts'
import { back, headPosition } from '../extent.ts'
import type { Head } from '../ports.ts'
import { REMEMBERED, type Retention } from './retention.ts'

/** A stored row: the messages of one epoch from `first` to `last`, written at `time`. */
export interface Row {
  readonly epoch: string
  readonly first: number
  readonly last: number
  readonly time: number
  /** The ids that clients chose (PUB-5), in the log's own words; null: none. */
  readonly ids: string | null
}

/**
 * Where pruning goes on. A row is pruned whole. If repeats of its messages must still be known, it stays for that time
 * without its messages: a husk.
 */
export interface Tail {
  /** The oldest row that has its messages; null: there is none. */
  readonly oldest: Row | null
  /** The oldest husk, if there is one. */
  readonly husk: Row | null
}

export const NO_TAIL: Tail = { oldest: null, husk: null }

export interface Rows {
  /** The oldest rows after that place, which have their messages. */
  after(floor: Position, limit: number): Row[]
  /** The oldest rows, husks first. */
  first(limit: number): Row[]
}

export interface Pruned {
  readonly head: Head
  readonly tail: Tail
  /** They lose their messages, and stay. */
  readonly emptied: readonly Row[]
  readonly dropped: readonly Row[]
  /** Former epochs that need not be known any more. */
  readonly forgotten: readonly string[]
}

/** Former epochs that are known although none of their messages is kept: who saw more of them is `rolled-back`. */
export const FORMER_EPOCHS = 64

export const endOf = ({ epoch, last }: Row): Position => ({ epoch, offset: last })

/** What is to go: the oldest rows, a few at a time, never the newest. `head` is that after the commit. */
export function prune(head: Head, tail: Tail, kept: Retention, now: number, limit: number, rows: Rows): Pruned {
  const isOver = isOverdue(head, kept, now)
  const mayForget = ({ ids, time }: Row): boolean => ids === null || time + REMEMBERED <= now
  const emptied: Row[] = []
  const dropped: Row[] = []
  let { oldest } = tail
  let { floor } = head
  if (oldest !== null && isOver(oldest)) {
    const found = rows.after(floor, limit + 1)
    const over = found.slice(0, limit)
    const kept = over.findIndex((row) => !isOver(row))
    const gone = kept === -1 ? over : over.slice(0, kept)
    for (const row of gone) (mayForget(row) ? dropped : emptied).push(row)
    oldest = found[gone.length] ?? null
    const last = gone.at(-1)
    if (last !== undefined) floor = endOf(last)
  }
  let husk = tail.husk ?? emptied[0] ?? null
  if (tail.husk !== null && mayForget(tail.husk)) {
    const husks = rows.first(limit + 1).filter((row) => comparePositions(endOf(row), head.floor) <= 0)
    const old = husks.slice(0, limit).filter(mayForget)
    dropped.push(...old)
    husk = husks[old.length] ?? emptied[0] ?? null
  }
  const known = Math.max(head.epochs.findIndex(({ name }) => name === oldest?.epoch) - FORMER_EPOCHS, 0)
  const forgotten = head.epochs.slice(0, known).map(({ name }) => name)
  const epochs = known === 0 ? head.epochs : head.epochs.slice(known)
  return { head: { epochs, floor }, tail: { oldest, husk }, emptied, dropped, forgotten }
}

/** Is there something to prune? */
export const isDue = (head: Head, { oldest, husk }: Tail, kept: Retention, now: number): boolean =>
  (oldest !== null && isOverdue(head, kept, now)(oldest)) || (husk !== null && husk.time + REMEMBERED <= now)

function isOverdue(head: Head, { count, age }: Retention, now: number): (row: Row) => boolean {
  const newest = headPosition(head)
  const uncounted = back(head, newest, count)
  return (row) =>
    comparePositions(endOf(row), newest) < 0 && (row.time + age < now || comparePositions(endOf(row), uncounted) <= 0)
}
