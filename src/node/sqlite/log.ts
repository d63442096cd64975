import type { Position } from '../../protocol/cursor.ts'
import { comparePositions, epochLineage, epochTime, epochWriter, lineageFrom } from '../../protocol/cursor.ts'
import { type Entry, fingerprint } from '../../protocol/entry.ts'
import type { DeadLetter, OutboxRow, WebhookEvent } from '../../protocol/webhook.ts'
import { floorBefore, fromLines, type Known, place, rowsOf, type Stored, take, toLines } from '../../room/log/log.ts'
import { Telling } from '../../room/log/outbox.ts'
import { isDue, NO_TAIL, type Pruned, prune, type Row, type Tail } from '../../room/log/prune.ts'
import type { Retention } from '../../room/log/retention.ts'
import { type Change, EMPTY, type Head, type Page, type Scan, type Settled, type Work } from '../../room/ports.ts'
import { deadLetters, outboxChanged, told, untold } from './outbox.ts'
import type { Queries, Write } from './statements.ts'

/** Keeps a page's read small even if one commit was large. */
const ROW_BYTES = 256 * 1024
/** Rows pruned with one commit, and for each row that it writes: so that pruning keeps up, and never holds up. */
const PRUNED_ROWS = 8

/** What a log shares with those of the other rooms in its file. */
export interface Ground {
  readonly sql: Queries
  /** Names this process in the epochs that it begins, none of them before `since` (ms): none is ever gone on with. */
  readonly writer: { readonly mark: string; readonly since: number }
  nextRoom(): number
}

/** What a commit comes to, and the rows that make it so. */
export interface Planned {
  readonly settled: Settled
  readonly writes: readonly Write[]
  readonly room: number | null
  readonly time: number
  readonly tail: Tail
}

/**
 * One room's part of the file. It reads, and says what is to be written; another writes it, perhaps in another thread.
 * One plan at a time: the next one stands on what the last came to.
 */
export class SqliteLog {
  readonly #ground: Ground
  readonly #name: string
  readonly #kept: Retention
  readonly #tells: readonly WebhookEvent[]
  #telling: Telling | undefined
  #room: number | null = null
  #head: Head = EMPTY
  #tail = NO_TAIL
  #time = 0

  constructor(ground: Ground, name: string, kept: Retention, tells: readonly WebhookEvent[] = []) {
    this.#ground = ground
    this.#name = name
    this.#kept = kept
    this.#tells = tells
  }

  load(): Stored {
    const { sql } = this.#ground
    const row = sql.room.get(this.#name) as { room: number; state: string | null } | undefined
    if (row === undefined) return { head: EMPTY, sessions: [], state: null, waiting: 0 }
    const { room } = row
    this.#room = room
    const former = sql.epochs.all(room) as unknown as { name: string; last: number }[]
    const newest = sql.newest.get(room) as { epoch: string; last: number; time: number } | undefined
    const epochs = newest === undefined ? former : [...former, { name: newest.epoch, last: newest.last }]
    const oldest = (sql.oldest.get(room) as Row | undefined) ?? null
    const floor = floorBefore(oldest === null ? undefined : { epoch: oldest.epoch, offset: oldest.first }, epochs)
    this.#head = { epochs, floor }
    this.#time = newest?.time ?? 0
    const first = (sql.firstRows.get(room, 1) as Row | undefined) ?? null
    const isHusk = first !== null && comparePositions({ epoch: first.epoch, offset: first.first }, floor) <= 0
    this.#tail = { oldest, husk: isHusk ? first : null }
    const sessions = sql.sessions.all(room) as unknown as { row: string }[]
    const { waiting } = sql.waiting.get(room) as { waiting: number }
    return { head: this.#head, sessions: sessions.map(({ row }) => JSON.parse(row)), state: row.state, waiting }
  }

  /** What these works come to. Nothing is so before it has been written and `confirm` is told. */
  plan(works: readonly Work[], now: number): Planned {
    const { mark, since } = this.#ground.writer
    const current = this.#head.epochs.at(-1)?.name
    const placed = place(
      works,
      {
        head: this.#head,
        time: this.#time,
        ownsEpoch: current !== undefined && epochWriter(current) === mark && epochTime(current) >= since,
        mark: mark + (current === undefined ? lineageFrom(fingerprint(mark + this.#name)) : epochLineage(current)),
        since,
        telling: this.#numbers(now),
        find: (key) => this.#find(key),
      },
      now,
    )
    const writes: Write[] = []
    const added: Row[] = []
    let room = this.#room
    if (placed.logged.length > 0 || placed.changes.length > 0) {
      if (room === null) {
        room = this.#ground.nextRoom()
        writes.push(['addRoom', room, this.#name])
      }
      const former = this.#head.epochs.at(-1)
      if (former !== undefined && placed.head.epochs.length > this.#head.epochs.length) {
        writes.push(['addEpoch', room, former.name, former.last])
      }
      for (const { first, entries, ids } of rowsOf(placed.logged, placed.known, ROW_BYTES)) {
        const { epoch, offset } = first
        const keys = ids.length === 0 ? null : JSON.stringify(ids.map(([key]) => key))
        const row = { epoch, first: offset, last: offset + entries.length - 1, time: placed.time, ids: keys }
        added.push(row)
        writes.push(['addPack', room, epoch, offset, row.last, row.time, keys, toLines(entries)])
        for (const [key, at, print] of ids) writes.push(['addId', room, key, epoch, at, print])
      }
      for (const change of placed.changes) writes.push(...changed(room, change))
      writes.push(...told(room, placed.outbox))
    }
    const pruned = this.#prune(placed.head, added, now)
    if (room !== null) writes.push(...prunedAway(room, pruned))
    const { head, tail } = pruned
    return { settled: { ...placed, head }, writes, room, time: placed.time, tail }
  }

  /** What was planned has been written. */
  confirm({ settled, room, time, tail }: Planned): void {
    this.#room = room
    this.#head = settled.head
    this.#time = time
    this.#tail = tail
  }

  /** Has it been written, as its last message tells? A plan without any can do no harm twice. */
  holds({ settled }: Planned): boolean {
    const last = settled.entries.findLast(({ position }) => position !== null)
    if (last === undefined || last.position === null) return false
    const through = last.position
    const { entries } = this.read({ after: { ...through, offset: through.offset - 1 }, through, maxBytes: 1 })
    return entries[0]?.json === last.json
  }

  /** Would a commit of nothing prune something? */
  isDue(now: number): boolean {
    return isDue(this.#head, this.#tail, this.#kept, now)
  }

  untold(events: number): readonly OutboxRow[] {
    return this.#room === null ? [] : untold(this.#ground.sql, this.#room, events)
  }

  dead(after: string, limit: number): readonly DeadLetter[] {
    return this.#room === null ? [] : deadLetters(this.#ground.sql, this.#room, after, limit)
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
    const { epochs, floor } = this.#head
    const start = comparePositions(after, floor) < 0 ? floor : after
    for (const { name } of epochs) {
      if (name < start.epoch) continue
      const from = name === start.epoch ? start.offset + 1 : 1
      const rows = this.#ground.sql.packs.iterate(this.#room, name, from)
      for (const row of rows as Iterable<unknown>) {
        const { first, entries } = row as { first: number; entries: string }
        if (entries !== '') yield* fromLines(entries, { epoch: name, offset: first })
      }
    }
  }

  *#entriesBack(through: Position): Generator<Entry> {
    if (this.#room === null) return
    const { epochs, floor } = this.#head
    for (const { name, last } of epochs.toReversed()) {
      if (name > through.epoch) continue
      if (name < floor.epoch) return
      const from = name === through.epoch ? through.offset : last
      const end = name === floor.epoch ? floor.offset : 0
      for (const row of this.#ground.sql.packsBack.iterate(this.#room, name, from, end) as Iterable<unknown>) {
        const { first, entries } = row as { first: number; entries: string }
        yield* fromLines(entries, { epoch: name, offset: first }).reverse()
      }
    }
  }

  #prune(head: Head, added: readonly Row[], now: number): Pruned {
    const room = this.#room
    const { sql } = this.#ground
    const tail = { ...this.#tail, oldest: this.#tail.oldest ?? added[0] ?? null }
    return prune(head, tail, this.#kept, now, PRUNED_ROWS + 2 * added.length, {
      after: ({ epoch, offset }, limit) => {
        const stored = room === null ? [] : (sql.rowsAfter.all(room, epoch, offset, limit) as unknown as Row[])
        return [...stored, ...added].slice(0, limit)
      },
      first: (limit) => (room === null ? [] : (sql.firstRows.all(room, limit) as unknown as Row[])),
    })
  }

  #numbers(now: number): Telling | undefined {
    if (this.#tells.length === 0 || this.#telling !== undefined) return this.#telling
    const newest = this.#room === null ? undefined : this.#ground.sql.newestUntold.get(this.#room)
    this.#telling = new Telling(this.#name, this.#tells, now, (newest?.key as string | null | undefined) ?? null)
    return this.#telling
  }

  #find(key: string): Known | undefined {
    if (this.#room === null) return undefined
    const row = this.#ground.sql.id.get(this.#room, key) as (Position & { fingerprint: number }) | undefined
    return row && { position: { epoch: row.epoch, offset: row.offset }, fingerprint: row.fingerprint }
  }
}

function changed(room: number, { put = [], drop = [], state, outbox }: Change): Write[] {
  return [
    ...put.map((row): Write => ['putSession', room, row.id, JSON.stringify(row)]),
    ...drop.map((id): Write => ['dropSession', room, id]),
    ...(state === undefined ? [] : [['setState', state, room] as const]),
    ...(outbox === undefined ? [] : outboxChanged(room, outbox)),
  ]
}

function prunedAway(room: number, { emptied, dropped, forgotten }: Pruned): Write[] {
  return [
    ...emptied.map(({ epoch, first }): Write => ['emptyPack', room, epoch, first]),
    ...dropped.map(({ epoch, first }): Write => ['dropPack', room, epoch, first]),
    ...dropped.flatMap(({ ids }) => JSON.parse(ids ?? '[]') as string[]).map((key): Write => ['dropId', room, key]),
    ...forgotten.map((name): Write => ['dropEpoch', room, name]),
  ]
}
