import { comparePositions, formatCursor } from '../protocol/cursor.ts'
import { mayRead } from '../protocol/entry.ts'
import type { Gap, HistoryPage } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { HistoryQuery } from '../protocol/operations.ts'
import { back, hasBefore, headPosition, justBefore, resumeFrom } from './extent.ts'
import type { Head, HistoryRead, Page, Scan } from './ports.ts'

/** What is to be scanned for a page of history (HIST-2), with `most` messages, and what of it is lost (HIST-4). */
export function planHistory(
  head: Head,
  { after, before, limit: asked }: HistoryQuery,
  most: number,
): { scan: Scan; gap?: Gap } {
  const limit = Math.min(asked, most)
  const bounds = { maxBytes: LIMITS.historyBytes, maxEntries: limit }
  const end = headPosition(head)
  const wanted = before === undefined ? end : justBefore(before)
  const through = comparePositions(wanted, end) > 0 ? end : wanted
  if (after === undefined) {
    return { scan: { after: back(head, through, limit), through, fromEnd: true, ...bounds } }
  }
  const resumed = resumeFrom(head, after)
  return { scan: { after: resumed.after, through, ...bounds }, ...(resumed.gap && { gap: resumed.gap }) }
}

export function toHistoryPage(head: Head, { reader, gap: known, since = 0 }: HistoryRead, page: Page): HistoryPage {
  // What was to be read next has been pruned since it was asked for.
  const isPruned = comparePositions(page.after, page.floor) < 0
  const pruned = { after: formatCursor(page.after), reason: 'retention', before: formatCursor(page.floor) } as const
  const lost = isPruned ? { ...pruned, ...known, before: pruned.before } : known
  const withheld = page.entries.findLast((entry) => entry.time < since)?.cursor
  const gap: Gap | undefined =
    withheld === undefined
      ? lost
      : { after: lost?.after ?? formatCursor(page.after), before: withheld, reason: 'forbidden' }
  return {
    // Bare objects: on the edge they cross from the room to the Worker by structured clone.
    messages: page.entries
      .filter((entry) => entry.time >= since && mayRead(reader, entry.audience))
      .map(({ type, cursor, json }) => ({ type, cursor, json })),
    next: formatCursor(isPruned && comparePositions(page.through, page.floor) < 0 ? page.floor : page.through),
    // `before` is exclusive, so going back from here names the place behind the last one that was not scanned.
    prev: hasBefore(head, page.after) ? formatCursor({ ...page.after, offset: page.after.offset + 1 }) : null,
    ...(gap !== undefined && { gap }),
  }
}
