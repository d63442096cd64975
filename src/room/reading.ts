import { CLOSE } from '../protocol/codes.ts'
import { formatCursor } from '../protocol/cursor.ts'
import type { Log } from './log/log.ts'
import type { Connection, HistoryRead, Page, RoomHost, Scan } from './ports.ts'
import type { Room } from './room.ts'

/** What a room asked its host for. */
export interface Reading {
  readonly reader: Connection | HistoryRead
  readonly scan: Scan
}

/** Whose reading it is, if it is a connection's. */
export const readerOf = ({ reader }: Reading): Connection | undefined => {
  if (!('replyTo' in reader)) return reader
  return 'connection' in reader.replyTo ? reader.replyTo.connection : undefined
}

/** Reads what a room asked its host for; who waits for it is told if that cannot be. */
export function readFor(
  room: Room<unknown>,
  log: Pick<Log, 'read'>,
  { reader, scan }: Reading,
  host: Pick<RoomHost, 'reply' | 'report'>,
): void {
  try {
    room.page(reader, log.read(scan))
  } catch (error) {
    host.report(error)
    if (!('replyTo' in reader)) room.end(reader, CLOSE.storage, 'storage')
    else if ('connection' in reader.replyTo) room.end(reader.replyTo.connection, CLOSE.storage, 'storage')
    else host.reply(reader.replyTo.ticket, { type: 'error', code: 'storage', message: 'The log cannot be read' })
  }
}

/** Pages that are remembered: those who come back at once are at a few places, and a page may be large. */
const REMEMBERED = 8

/**
 * A log for as long as one turn of reading takes: who asks for the same is given the same page, so that what thousands
 * missed is read once, and packed once.
 */
export class Pages {
  readonly #log: Pick<Log, 'read'>
  readonly #known = new Map<string, Page>()

  constructor(log: Pick<Log, 'read'>) {
    this.#log = log
  }

  /** What was read for another already. */
  known(scan: Scan): Page | undefined {
    return this.#known.get(keyOf(scan))
  }

  read(scan: Scan): Page {
    const key = keyOf(scan)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const page = this.#log.read(scan)
    const [oldest] = this.#known.keys()
    if (this.#known.size === REMEMBERED && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(key, page)
    return page
  }
}

const keyOf = ({ after, through, maxBytes, maxEntries, fromEnd }: Scan): string =>
  `${formatCursor(after)} ${formatCursor(through)} ${maxBytes} ${maxEntries} ${fromEnd}`
