import type { Position } from '../protocol/cursor.ts'
import { epochMark, markFrom } from '../protocol/cursor.ts'
import type { Entry } from '../protocol/entry.ts'
import {
  floorBefore,
  fromLines,
  type Known,
  type Log,
  place,
  rowsOf,
  type Stored,
  take,
  toLines,
} from '../room/log/log.ts'
import { type Change, EMPTY, type Page, type Scan, type Settled, type Work } from '../room/ports.ts'

/**
 * A row is one pack: rows written are what the platform charges, and a row per message costs 1.8 × the CPU.
 * Well below the platform's 2 MB for a row (developers.cloudflare.com/durable-objects/platform/limits, 2026-11).
 */
const ROW_BYTES = 512 * 1024

const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- ids: what clients chose (PUB-5), as JSON [[key, offset, fingerprint], …], since a row each would cost a row each.
  CREATE TABLE packs (
    epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL,
    ids TEXT, entries TEXT NOT NULL, PRIMARY KEY (epoch, first)
  ) WITHOUT ROWID;
  CREATE TABLE sessions (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
`

/** The log in the object's own SQLite. */
export class ObjectLog implements Log {
  readonly #storage: DurableObjectStorage
  #exists: boolean
  #head = EMPTY
  #time = 0
  /** Filled from the packs when the first id is asked for: most rooms never see one. */
  #known: Map<string, Known> | null = null

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#exists = this.#rows<{ n: number }>("SELECT count(*) AS n FROM sqlite_master WHERE name = 'packs'")[0]?.n === 1
  }

  load(): Stored {
    if (!this.#exists) return { head: EMPTY, sessions: [], state: null }
    const ends = this.#rows<{ name: string; last: number; time: number }>(
      'SELECT epoch AS name, max(last) AS last, max(time) AS time FROM packs GROUP BY epoch ORDER BY epoch',
    )
    const oldest = this.#rows<Position & Row>(
      'SELECT epoch, first AS "offset" FROM packs ORDER BY epoch, first LIMIT 1',
    )[0]
    const epochs = ends.map(({ name, last }) => ({ name, last }))
    this.#head = { epochs, floor: floorBefore(oldest, epochs) }
    this.#time = ends.at(-1)?.time ?? 0
    const state = this.#rows<{ value: string }>("SELECT value FROM meta WHERE name = 'state'")[0]?.value ?? null
    const sessions = this.#rows<{ row: string }>('SELECT row FROM sessions')
    return { head: this.#head, state, sessions: sessions.map(({ row }) => JSON.parse(row)) }
  }

  append(works: readonly Work[], now: number): Settled {
    // One object owns this log for ever, and the platform does not lose what was written: its epoch goes on.
    const epoch = this.#head.epochs.at(-1)?.name
    const mark = epoch === undefined ? markFrom(crypto.getRandomValues(new Uint8Array(6))) : epochMark(epoch)
    const find = (key: string) => this.#ids().get(key)
    const placed = place(works, { head: this.#head, time: this.#time, mark, find }, now)
    if (placed.logged.length > 0 || placed.changes.length > 0) this.#storage.transactionSync(() => this.#write(placed))
    this.#exists ||= placed.logged.length > 0 || placed.changes.length > 0
    this.#head = placed.head
    this.#time = placed.time
    for (const [key, known] of placed.known) this.#ids().set(key, known)
    return placed
  }

  knows(dedupeKey: string): boolean {
    return this.#ids().has(dedupeKey)
  }

  read(scan: Scan): Page {
    const entries = scan.fromEnd ? this.#entriesBack(scan.through) : this.#entriesFrom(scan.after)
    return take(entries, scan, this.#head.floor)
  }

  *#entriesFrom(after: Position): Generator<Entry> {
    for (const { name } of this.#head.epochs) {
      if (name < after.epoch) continue
      const from = name === after.epoch ? after.offset + 1 : 1
      // From the pack that holds the first wanted offset: the last one that begins at or before it.
      const rows = this.#storage.sql.exec<{ first: number; entries: string }>(
        `SELECT first, entries FROM packs WHERE epoch = ?1 AND first >= coalesce(
          (SELECT max(first) FROM packs WHERE epoch = ?1 AND first <= ?2), 0) ORDER BY first`,
        name,
        from,
      )
      for (const { first, entries } of rows) yield* fromLines(entries, { epoch: name, offset: first })
    }
  }

  *#entriesBack(through: Position): Generator<Entry> {
    for (const { name, last } of this.#head.epochs.toReversed()) {
      if (name > through.epoch) continue
      const rows = this.#storage.sql.exec<{ first: number; entries: string }>(
        'SELECT first, entries FROM packs WHERE epoch = ? AND first <= ? ORDER BY first DESC',
        name,
        name === through.epoch ? through.offset : last,
      )
      for (const { first, entries } of rows) yield* fromLines(entries, { epoch: name, offset: first }).reverse()
    }
  }

  #write({ logged, known, changes, time }: ReturnType<typeof place>): void {
    if (!this.#exists) this.#storage.sql.exec(SCHEMA)
    const ids = new Map(
      [...known].map(([key, { position, fingerprint }]) => [position.offset, [key, position.offset, fingerprint]]),
    )
    for (const { first, entries } of rowsOf(logged, ROW_BYTES)) {
      const { epoch, offset } = first
      const end = offset + entries.length
      const own = [...ids].filter(([at]) => at >= offset && at < end).map(([, id]) => id)
      this.#storage.sql.exec(
        'INSERT INTO packs (epoch, first, last, time, ids, entries) VALUES (?, ?, ?, ?, ?, ?)',
        epoch,
        offset,
        end - 1,
        time,
        own.length === 0 ? null : JSON.stringify(own),
        toLines(entries),
      )
    }
    for (const change of changes) this.#change(change)
  }

  #change({ put = [], drop = [], state }: Change): void {
    const { sql } = this.#storage
    for (const row of put) {
      sql.exec('INSERT OR REPLACE INTO sessions (id, row) VALUES (?, ?)', row.id, JSON.stringify(row))
    }
    for (const id of drop) sql.exec('DELETE FROM sessions WHERE id = ?', id)
    if (state !== undefined) sql.exec("INSERT OR REPLACE INTO meta (name, value) VALUES ('state', ?)", state)
  }

  #ids(): Map<string, Known> {
    if (this.#known !== null) return this.#known
    const known = new Map<string, Known>()
    const rows = this.#exists
      ? this.#rows<{ epoch: string; ids: string }>('SELECT epoch, ids FROM packs WHERE ids IS NOT NULL')
      : []
    for (const { epoch, ids } of rows) {
      for (const [key, offset, fingerprint] of JSON.parse(ids) as [string, number, number][]) {
        known.set(key, { position: { epoch, offset }, fingerprint })
      }
    }
    this.#known = known
    return known
  }

  #rows<T extends Row>(query: string): T[] {
    return this.#storage.sql.exec<T>(query).toArray()
  }
}

type Row = Record<string, SqlStorageValue>
