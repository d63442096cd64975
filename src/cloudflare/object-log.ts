import { comparePositions, markFrom, type Position } from '../protocol/cursor.ts'
import type { Entry } from '../protocol/entry.ts'
import type { DeadLetter, OutboxRow, WebhookEvent } from '../protocol/webhook.ts'
import {
  floorBefore,
  fromLines,
  type Id,
  type Known,
  type Log,
  type Placement,
  place,
  rowsOf,
  type Stored,
  take,
  toLines,
} from '../room/log/log.ts'
import { Telling } from '../room/log/outbox.ts'
import { NO_TAIL, type Pruned, prune, type Row } from '../room/log/prune.ts'
import { RETENTION, type Retention } from '../room/log/retention.ts'
import { type Change, EMPTY, type Head, type Page, type Scan, type Settled, type Work } from '../room/ports.ts'
import { ObjectOutbox } from './object-outbox.ts'
import { migrate } from './object-schema.ts'

/**
 * A row is one pack: rows written are what the platform charges, and a row per message costs 1.8 × the CPU.
 * Well below the platform's 2 MB for a row (developers.cloudflare.com/durable-objects/platform/limits, 2026-11).
 */
const ROW_BYTES = 512 * 1024

/** Rows pruned with one commit, and for each row that it writes. Each is charged as a row written. */
const PRUNED_ROWS = 2

/** What a backend hears of which room. */
interface Tells {
  readonly room: string
  readonly events: readonly WebhookEvent[]
}

/** The log in the object's own SQLite. */
export class ObjectLog implements Log {
  readonly #storage: DurableObjectStorage
  readonly #kept: Retention
  readonly #tells: Tells
  readonly #outbox: ObjectOutbox
  #telling: Telling | undefined
  #exists: boolean
  #head: Head = EMPTY
  #tail = NO_TAIL
  #time = 0
  /** Filled from the packs when the first id is asked for: most rooms never see one. */
  #known: Map<string, Known> | null = null

  constructor(storage: DurableObjectStorage, kept = RETENTION, tells: Tells = { room: '', events: [] }) {
    this.#storage = storage
    this.#kept = kept
    this.#tells = tells
    this.#outbox = new ObjectOutbox(storage.sql)
    this.#exists = this.#rows<{ n: number }>("SELECT count(*) AS n FROM sqlite_master WHERE name = 'packs'")[0]?.n === 1
  }

  load(): Stored {
    if (!this.#exists) return { head: EMPTY, sessions: [], state: null, waiting: 0 }
    migrate(this.#storage)
    // One object owns this log for ever, and the platform does not lose what was written: its epoch goes on.
    const newest = this.#packs('ORDER BY epoch DESC, first DESC LIMIT 1')[0]
    // The length is told without reading the text.
    const oldest = this.#packs('WHERE octet_length(entries) > 0 ORDER BY epoch, first LIMIT 1')[0] ?? null
    const first = this.#packs('ORDER BY epoch, first LIMIT 1')[0]
    const epochs = newest === undefined ? [] : [{ name: newest.epoch, last: newest.last }]
    const floor = floorBefore(oldest === null ? undefined : { epoch: oldest.epoch, offset: oldest.first }, epochs)
    this.#head = { epochs, floor }
    this.#tail = { oldest, husk: first === undefined || first.first === oldest?.first ? null : first }
    this.#time = newest?.time ?? 0
    const state = this.#rows<{ value: string }>("SELECT value FROM meta WHERE name = 'state'")[0]?.value ?? null
    const sessions = this.#rows<{ row: string }>('SELECT row FROM sessions')
    const { waiting } = this.#outbox
    return { head: this.#head, state, sessions: sessions.map(({ row }) => JSON.parse(row)), waiting }
  }

  append(works: readonly Work[], now: number): Settled {
    const ownsEpoch = this.#head.epochs.length > 0
    const mark = ownsEpoch ? '' : markFrom(crypto.getRandomValues(new Uint8Array(6)))
    const find = (key: string) => this.#ids().get(key)
    const telling = this.#numbers(now)
    const placed = place(works, { head: this.#head, time: this.#time, ownsEpoch, mark, telling, find }, now)
    const writes = placed.logged.length > 0 || placed.changes.length > 0
    if (!writes && !this.#exists) return placed
    const { head, tail, dropped } = this.#storage.transactionSync(() => this.#write(placed, now))
    this.#exists = true
    this.#head = head
    this.#tail = tail
    this.#time = placed.time
    for (const [key, known] of placed.known) this.#ids().set(key, known)
    for (const { ids } of dropped) for (const [key] of parseIds(ids)) this.#ids().delete(key)
    return { ...placed, head }
  }

  untold(events: number): readonly OutboxRow[] {
    return this.#outbox.untold(events)
  }

  dead(after: string, limit: number): readonly DeadLetter[] {
    return this.#outbox.dead(after, limit)
  }

  knows(dedupeKey: string): boolean {
    return this.#ids().has(dedupeKey)
  }

  read(scan: Scan): Page {
    const entries = scan.fromEnd ? this.#entriesBack(scan.through) : this.#entriesFrom(scan.after)
    return take(entries, scan, this.#head.floor)
  }

  *#entriesFrom(after: Position): Generator<Entry> {
    const { epochs, floor } = this.#head
    const start = comparePositions(after, floor) < 0 ? floor : after
    for (const { name } of epochs) {
      if (name < start.epoch) continue
      // From the pack that holds the first wanted offset: the last one that begins at or before it.
      const rows = this.#storage.sql.exec<{ first: number; entries: string }>(
        `SELECT first, entries FROM packs WHERE epoch = ?1 AND first >= coalesce(
          (SELECT max(first) FROM packs WHERE epoch = ?1 AND first <= ?2), 0) ORDER BY first`,
        name,
        name === start.epoch ? start.offset + 1 : 1,
      )
      for (const { first, entries } of rows) {
        if (entries !== '') yield* fromLines(entries, { epoch: name, offset: first })
      }
    }
  }

  *#entriesBack(through: Position): Generator<Entry> {
    const { epochs, floor } = this.#head
    for (const { name, last } of epochs.toReversed()) {
      if (name > through.epoch) continue
      const rows = this.#storage.sql.exec<{ first: number; entries: string }>(
        'SELECT first, entries FROM packs WHERE epoch = ? AND first <= ? AND first > ? ORDER BY first DESC',
        name,
        name === through.epoch ? through.offset : last,
        name === floor.epoch ? floor.offset : 0,
      )
      for (const { first, entries } of rows) yield* fromLines(entries, { epoch: name, offset: first }).reverse()
    }
  }

  #write({ logged, known, changes, outbox, time, head }: Placement, now: number): Pruned {
    if (!this.#exists) migrate(this.#storage)
    const rows = rowsOf(logged, known, ROW_BYTES)
    for (const { first, entries, ids } of rows) {
      const { epoch, offset } = first
      this.#storage.sql.exec(
        'INSERT INTO packs (epoch, first, last, time, ids, entries) VALUES (?, ?, ?, ?, ?, ?)',
        epoch,
        offset,
        offset + entries.length - 1,
        time,
        ids.length === 0 ? null : JSON.stringify(ids),
        toLines(entries),
      )
    }
    this.#outbox.add(outbox)
    for (const change of changes) this.#change(change)
    return this.#prune(head, now, PRUNED_ROWS * (1 + rows.length))
  }

  #prune(head: Head, now: number, limit: number): Pruned {
    const first = (count: number) => this.#packs('ORDER BY epoch, first LIMIT ?', count)
    const pruned = prune(
      head,
      { ...this.#tail, oldest: this.#tail.oldest ?? first(1)[0] ?? null },
      this.#kept,
      now,
      limit,
      {
        after: ({ epoch, offset }, count) =>
          this.#packs('WHERE (epoch, first) > (?, ?) ORDER BY epoch, first LIMIT ?', epoch, offset, count),
        first,
      },
    )
    const { sql } = this.#storage
    for (const row of pruned.emptied) {
      sql.exec("UPDATE packs SET entries = '' WHERE epoch = ? AND first = ?", row.epoch, row.first)
    }
    for (const row of pruned.dropped) sql.exec('DELETE FROM packs WHERE epoch = ? AND first = ?', row.epoch, row.first)
    return pruned
  }

  #change({ put = [], drop = [], state, outbox }: Change): void {
    const { sql } = this.#storage
    for (const row of put) {
      sql.exec('INSERT OR REPLACE INTO sessions (id, row) VALUES (?, ?)', row.id, JSON.stringify(row))
    }
    for (const id of drop) sql.exec('DELETE FROM sessions WHERE id = ?', id)
    if (state !== undefined) sql.exec("INSERT OR REPLACE INTO meta (name, value) VALUES ('state', ?)", state)
    if (outbox !== undefined) this.#outbox.change(outbox)
  }

  #numbers(now: number): Telling | undefined {
    const { room, events } = this.#tells
    if (events.length === 0) return undefined
    this.#telling ??= new Telling(room, events, now, this.#outbox.newest)
    return this.#telling
  }

  #ids(): Map<string, Known> {
    if (this.#known !== null) return this.#known
    const known = new Map<string, Known>()
    const rows = this.#exists
      ? this.#rows<{ epoch: string; ids: string }>('SELECT epoch, ids FROM packs WHERE ids IS NOT NULL')
      : []
    for (const { epoch, ids } of rows) {
      for (const [key, offset, fingerprint] of parseIds(ids))
        known.set(key, { position: { epoch, offset }, fingerprint })
    }
    this.#known = known
    return known
  }

  #packs(which: string, ...values: (string | number)[]): Row[] {
    return this.#storage.sql
      .exec<Stringly<Row>>(`SELECT epoch, first, last, time, ids FROM packs ${which}`, ...values)
      .toArray()
  }

  #rows<T extends Record<string, SqlStorageValue>>(query: string): T[] {
    return this.#storage.sql.exec<T>(query).toArray()
  }
}

/** What the platform's types want of a row: an index signature, which interfaces have none of. */
type Stringly<T> = { [name in keyof T]: T[name] }

const parseIds = (ids: string | null): Id[] => (ids === null ? [] : JSON.parse(ids))
