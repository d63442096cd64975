import { comparePositions, formatCursor, type Position } from '../protocol/cursor.ts'
import { mayRead, type Reader } from '../protocol/entry.ts'
import { cursorEvent, gapEvent, type Item } from '../protocol/events.ts'
import { type Marked, type Names, namesIn } from './packs.ts'
import type { Page } from './ports.ts'

/** What one who stood at `at` hears of a page; nothing older than `since` (ms). */
export interface ReadPage {
  readonly items: readonly Item[]
  /** Where it then stands. */
  readonly through: Position
  /** Why something is missing: it is too old for it, or has been pruned meanwhile. */
  readonly gap: 'forbidden' | 'retention' | undefined
}

/** What a page is to whoever is not named in it, and may read all of it: one object for all of them. */
const commons = new WeakMap<Page, { readonly names: Names | undefined; readonly read: ReadPage }>()

/** What of a page is for a reader, and what is said in place of what is not (FOLLOW-3, FOLLOW-8, AUTH-10). */
export function readPage(reader: Marked, page: Page, at: Position, since: number): ReadPage {
  const [first] = page.entries
  const isWhole = comparePositions(page.floor, at) <= 0 && (first === undefined || first.time >= since)
  if (!isWhole) return readFor(reader, page, at, since)
  let common = commons.get(page)
  if (common === undefined) {
    common = { names: namesIn(page.entries), read: readFor({}, page, at, since) }
    commons.set(page, common)
  }
  return common.names?.has(reader) ? readFor(reader, page, at, since) : common.read
}

function readFor(reader: Reader, page: Page, at: Position, since: number): ReadPage {
  const withheld = page.entries.findLast((entry) => entry.time < since)?.cursor
  const visible: Item[] = page.entries.filter((entry) => entry.time >= since && mayRead(reader, entry.audience))
  const items = [...visible]
  if (withheld !== undefined) {
    items.unshift(gapEvent({ after: formatCursor(at), before: withheld, reason: 'forbidden' }))
  }
  // What it was to read next has been pruned since; perhaps all of the page.
  const isPruned = comparePositions(page.floor, at) > 0
  const through = comparePositions(page.floor, page.through) > 0 ? page.floor : page.through
  if (isPruned) {
    items.unshift(gapEvent({ after: formatCursor(at), before: formatCursor(page.floor), reason: 'retention' }))
  }
  if (page.entries.at(-1) !== visible.at(-1)) items.push(cursorEvent(formatCursor(through)))
  return { items, through, gap: withheld !== undefined ? 'forbidden' : isPruned ? 'retention' : undefined }
}
