import { Refusal } from './errors.ts'

/** A place in a room's log. Offset 0 of an epoch is the place before its first message. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

/** Before everything (CUR-2). `'0'` sorts before every epoch. */
export const START: Position = { epoch: '0', offset: 0 }

/** 8 base36 digits of milliseconds hold until the year 2059, 9 for 3,000 years more: all epochs have 9, so they sort. */
const TIME_DIGITS = 9
const WRITER_DIGITS = 3
const LINEAGE_DIGITS = 3
const MARK_DIGITS = WRITER_DIGITS + LINEAGE_DIGITS

/** What a cursor is to others (CUR-1); what it is made of is ours alone. */
export const CURSOR_CHARACTERS = '^[a-z0-9-]{3,32}$'

const CURSOR = /^([0-9a-z]{15})-([1-9a-b])([0-9a-z]{1,11})$/

/**
 * Makes an epoch's name: time, so that epochs sort, and a mark: three digits of who begins it and three of the log's
 * lineage. It sorts after `previous` even if the clock was set back.
 */
export function newEpoch(now: number, mark: string, previous?: string): string {
  const floor = previous === undefined ? 0 : Number.parseInt(previous.slice(0, TIME_DIGITS), 36) + 1
  return Math.max(now, floor).toString(36).padStart(TIME_DIGITS, '0') + mark
}

export const epochTime = (epoch: string): number => Number.parseInt(epoch.slice(0, TIME_DIGITS), 36)

/** Who began it. */
export const epochWriter = (epoch: string): string => epoch.slice(TIME_DIGITS, TIME_DIGITS + WRITER_DIGITS)

/**
 * Which log it is of: handed on from each epoch to the next. So an epoch that a log has never heard of, because a backup
 * was restored, is told from one of another log.
 */
export const epochLineage = (epoch: string): string => epoch.slice(-LINEAGE_DIGITS)

/** Base36 digits out of random bytes: 6 of them make a mark, 3 a writer. */
export const markFrom = (random: Uint8Array): string =>
  Array.from(random.subarray(0, MARK_DIGITS), (byte) => (byte % 36).toString(36)).join('')

/** A lineage out of a number of at least 16 bits. */
export const lineageFrom = (seed: number): string =>
  (seed % 36 ** LINEAGE_DIGITS).toString(36).padStart(LINEAGE_DIGITS, '0')

export function formatCursor({ epoch, offset }: Position): string {
  if (epoch === START.epoch) return '0-0'
  const digits = offset.toString(36)
  return `${epoch}-${digits.length.toString(36)}${digits}`
}

/** Those who poll a room stand at the same place, most of them, and ask from there one after the other. */
let last: { readonly text: string; readonly position: Position | undefined } = { text: '0-0', position: START }

/** @throws Refusal `bad_cursor` */
export function parseCursor(text: string): Position {
  const position = parsed(text)
  if (position === undefined) throw new Refusal('bad_cursor', 'A cursor must be one that this gateway gave')
  return position
}

export const isCursor = (text: string): boolean => parsed(text) !== undefined

function parsed(text: string): Position | undefined {
  if (text !== last.text) last = { text, position: read(text) }
  return last.position
}

function read(text: string): Position | undefined {
  if (text === '0-0') return START
  const [, epoch, length, digits] = CURSOR.exec(text) ?? []
  const offset = digits === undefined ? Number.NaN : Number.parseInt(digits, 36)
  if (!epoch || !digits || Number.parseInt(length as string, 36) !== digits.length) return undefined
  // `0` before the first digit would give one position two cursors.
  const isPadded = digits.length > 1 && digits.startsWith('0')
  return isPadded || !Number.isSafeInteger(offset) ? undefined : { epoch, offset }
}

/** Negative, zero or positive, as `a` stands before, at or after `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1
  return a.offset - b.offset
}
