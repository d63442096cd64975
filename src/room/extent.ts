import { comparePositions, epochLineage, formatCursor, type Position, START } from '../protocol/cursor.ts'
import type { Gap } from '../protocol/events.ts'
import type { Head } from './ports.ts'

/** Questions about where things stand in a log, answered from its extent alone. */

export function headPosition(head: Head): Position {
  const current = head.epochs.at(-1)
  return current === undefined ? START : { epoch: current.name, offset: current.last }
}

const max = (a: Position, b: Position): Position => (comparePositions(a, b) < 0 ? b : a)

/** Where a reader who has seen up to `cursor` goes on, and what it has lost (FOLLOW-2, FOLLOW-3). */
export function resumeFrom(head: Head, cursor: Position): { after: Position; gap?: Gap } {
  const end = headPosition(head)
  const lost = (reason: Gap['reason'], after: Position) => ({
    after,
    gap: { after: formatCursor(cursor), before: formatCursor(after), reason },
  })
  if (cursor.epoch === START.epoch) {
    const nothingLost = head.epochs.length === 0 || comparePositions(head.floor, beginning(head)) <= 0
    return nothingLost ? { after: max(cursor, head.floor) } : lost('retention', head.floor)
  }
  const before = head.epochs.findLast(({ name }) => name <= cursor.epoch)
  // Another log: of another room, or of a room that was lost whole.
  if (!isKin(head, cursor)) return lost('epoch', head.floor)
  // Of this log, and older than what it remembers of former epochs: all of that has long been pruned.
  if (before === undefined) return lost('retention', head.floor)
  if (before.name !== cursor.epoch || cursor.offset > before.last) {
    // It has seen all that came before; what it saw beyond did not survive.
    return lost('rolled-back', max({ epoch: before.name, offset: before.last }, head.floor))
  }
  if (comparePositions(cursor, head.floor) < 0) return lost('retention', head.floor)
  return { after: comparePositions(cursor, end) > 0 ? end : cursor }
}

/** Is the cursor one of this log, if not of an epoch that it knows? */
const isKin = ({ epochs }: Head, { epoch }: Position): boolean =>
  epochs.some(({ name }) => name === epoch || epochLineage(name) === epochLineage(epoch))

const beginning = (head: Head): Position => ({ epoch: head.epochs[0]?.name ?? START.epoch, offset: 0 })

/** The place `count` messages before `from`, or the floor where there are fewer (FOLLOW-4). */
export function back(head: Head, from: Position, count: number): Position {
  let left = count
  for (const { name, last } of [...head.epochs].reverse()) {
    if (name > from.epoch) continue
    const here = name === from.epoch ? Math.min(from.offset, last) : last
    if (here >= left) return max({ epoch: name, offset: here - left }, head.floor)
    left -= here
  }
  return head.floor
}

/** How many messages stand after a place, without those that are kept no more. */
export function countAfter(head: Head, place: Position): number {
  const from = max(place, head.floor)
  return head.epochs.reduce((sum, { name, last }) => {
    if (name < from.epoch) return sum
    return sum + (name === from.epoch ? Math.max(last - from.offset, 0) : last)
  }, 0)
}

/** The last place before a cursor that history's `before` names. */
export const justBefore = ({ epoch, offset }: Position): Position => ({ epoch, offset: Math.max(offset - 1, 0) })

/** Is any message kept at or before this place? */
export const hasBefore = (head: Head, position: Position): boolean =>
  head.epochs.some(({ name, last }) => {
    const offset = name === position.epoch ? Math.min(last, position.offset) : last
    return name <= position.epoch && offset > 0 && comparePositions({ epoch: name, offset }, head.floor) > 0
  })
