import type { DatabaseSync } from 'node:sqlite'
import type { Position } from '../../protocol/cursor.ts'
import type { Entry } from '../../protocol/entry.ts'
import { headPosition } from '../../room/extent.ts'
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
} from '../../room/log/log.ts'
import { type Change, EMPTY, type Page, type Scan, type Settled, type Work } from '../../room/ports.ts'
import { prepare, type Statements } from './statements.ts'

/** Keeps a page's read small even if one commit was large. */
const ROW_BYTES = 256 * 1024

/** One room's part of the file. */
export class SqliteLog implements Log {
  readonly #sql: Statements
  readonly #name: string
  readonly #mark: string
  #room: number | null = null
  #head = EMPTY
  #time = 0

  constructor(db: DatabaseSync, name: string, mark: string) {
    this.#sql = prepare(db)
    this.#name = name
    this.#mark = mark
  }

  load(): Stored {
    const row = this.#sql.room.get(this.#name) as { room: number; state: string | null } | undefined
    if (row === undefined) return { head: EMPTY, sessions: [], state: null }
    this.#room = row.room
    const former = this.#sql.epochs.all(row.room) as unknown as { name: string; last: number }[]
    const newest = this.#sql.newest.get(row.room) as { epoch: string; last: number; time: number } | undefined
    const oldest = this.#sql.oldest.get(row.room) as unknown as Position | undefined
    const epochs = newest === undefined ? former : [...former, { name: newest.epoch, last: newest.last }]
    this.#head = { epochs, floor: floorBefore(oldest, epochs) }
    this.#time = newest?.time ?? 0
    const sessions = this.#sql.sessions.all(row.room) as unknown as { row: string }[]
    return { head: this.#head, sessions: sessions.map(({ row }) => JSON.parse(row)), state: row.state }
  }

  append(works: readonly Work[], now: number): Settled {
    const find = (key: string) => this.#find(key)
    const placed = place(works, { head: this.#head, time: this.#time, mark: this.#mark, find }, now)
    if (placed.logged.length > 0 || placed.changes.length > 0) {
      const room = this.#ownRoom()
      this.#endEpoch(room, placed.head.epochs)
      for (const { first, entries } of rowsOf(placed.logged, ROW_BYTES)) {
        const { epoch, offset } = first
        this.#sql.addPack.run(room, epoch, offset, offset + entries.length - 1, placed.time, toLines(entries))
      }
      for (const [key, { position, fingerprint }] of placed.known) {
        this.#sql.addId.run(room, key, position.epoch, position.offset, fingerprint)
      }
      for (const change of placed.changes) this.#change(room, change)
    }
    this.#head = placed.head
    this.#time = placed.time
    return placed
  }

  knows(dedupeKey: string): boolean {
    return this.#find(dedupeKey) !== undefined
  }

  read(scan: Scan): Page {
    const entries = scan.fromEnd ? this.#entriesBack(scan.through) : this.#entriesFrom(scan.after)
    return take(entries, scan, this.#head.floor)
  }

  *#entriesFrom(after: Position): Generator<Entry> {
    if (this.#room === null) return
    for (const { name } of this.#head.epochs) {
      if (name < after.epoch) continue
      const from = name === after.epoch ? after.offset + 1 : 1
      const rows = this.#sql.packs.iterate(this.#room, name, from)
      for (const row of rows as Iterable<unknown>) {
        const { first, entries } = row as { first: number; entries: string }
        yield* fromLines(entries, { epoch: name, offset: first })
      }
    }
  }

  *#entriesBack(through: Position): Generator<Entry> {
    if (this.#room === null) return
    for (const { name, last } of this.#head.epochs.toReversed()) {
      if (name > through.epoch) continue
      const from = name === through.epoch ? through.offset : last
      for (const row of this.#sql.packsBack.iterate(this.#room, name, from) as Iterable<unknown>) {
        const { first, entries } = row as { first: number; entries: string }
        yield* fromLines(entries, { epoch: name, offset: first }).reverse()
      }
    }
  }

  #find(key: string): Known | undefined {
    if (this.#room === null) return undefined
    const row = this.#sql.id.get(this.#room, key) as { epoch: string; offset: number; fingerprint: number } | undefined
    return row && { position: { epoch: row.epoch, offset: row.offset }, fingerprint: row.fingerprint }
  }

  #ownRoom(): number {
    this.#room ??= Number(this.#sql.addRoom.run(this.#name).lastInsertRowid)
    return this.#room
  }

  /** Notes how far the epoch before came, when a new one has begun. */
  #endEpoch(room: number, epochs: Stored['head']['epochs']): void {
    const former = this.#head.epochs.at(-1)
    if (former !== undefined && epochs.length > this.#head.epochs.length) {
      this.#sql.addEpoch.run(room, former.name, headPosition(this.#head).offset)
    }
  }

  #change(room: number, { put = [], drop = [], state }: Change): void {
    for (const row of put) this.#sql.putSession.run(room, row.id, JSON.stringify(row))
    for (const id of drop) this.#sql.dropSession.run(room, id)
    if (state !== undefined) this.#sql.setState.run(state, room)
  }
}
