import { DEAD_MOST, type DeadLetter, type OutboxChange, type OutboxRow } from '../protocol/webhook.ts'
import { upTo } from '../room/log/outbox.ts'

const SCHEMA = `
  CREATE TABLE outbox (
    key TEXT PRIMARY KEY, time INTEGER NOT NULL, count INTEGER NOT NULL, events TEXT NOT NULL, retry TEXT
  ) WITHOUT ROWID;
  CREATE TABLE dead (
    key TEXT PRIMARY KEY, time INTEGER NOT NULL, count INTEGER NOT NULL, events TEXT NOT NULL,
    reason TEXT NOT NULL, died INTEGER NOT NULL
  ) WITHOUT ROWID;
`

/** What a room's object has to tell. Its tables are made by the first event: rooms that tell nobody have none. */
export class ObjectOutbox {
  readonly #sql: SqlStorage
  #exists: boolean

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.#exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").toArray().length > 0
  }

  get waiting(): number {
    if (!this.#exists) return 0
    return this.#sql.exec<{ n: number }>('SELECT coalesce(sum(count), 0) AS n FROM outbox').one().n
  }

  /** The newest key that is stored. */
  get newest(): string | null {
    if (!this.#exists) return null
    const query = 'SELECT max(key) AS key FROM (SELECT key FROM outbox UNION ALL SELECT key FROM dead)'
    return this.#sql.exec<{ key: string | null }>(query).one().key
  }

  untold(events: number): OutboxRow[] {
    return this.#exists ? upTo(events, this.#rows()) : []
  }

  dead(after: string, limit: number): DeadLetter[] {
    if (!this.#exists) return []
    const query = 'SELECT key, count, events, reason, died FROM dead WHERE key > ? ORDER BY key LIMIT ?'
    return this.#sql.exec(query, after, limit).toArray() as unknown as DeadLetter[]
  }

  /** Called within the transaction of a commit. */
  add(rows: readonly OutboxRow[]): void {
    if (rows.length === 0) return
    if (!this.#exists) this.#sql.exec(SCHEMA)
    this.#exists = true
    for (const { key, time, count, events } of rows) {
      this.#sql.exec('INSERT INTO outbox (key, time, count, events) VALUES (?, ?, ?, ?)', key, time, count, events)
    }
  }

  change({ sent = [], retry, bury, resend = [] }: OutboxChange): void {
    const sql = this.#sql
    if (!this.#exists) return
    for (const key of sent) sql.exec('DELETE FROM outbox WHERE key = ?', key)
    if (retry) sql.exec('UPDATE outbox SET retry = ? WHERE key = ?', JSON.stringify(retry.retry), retry.key)
    for (const key of bury?.keys ?? []) {
      sql.exec(
        `INSERT OR REPLACE INTO dead (key, time, count, events, reason, died)
          SELECT key, time, count, events, ?, ? FROM outbox WHERE key = ?`,
        bury?.reason ?? '',
        bury?.at ?? 0,
        key,
      )
      sql.exec('DELETE FROM outbox WHERE key = ?', key)
    }
    if (bury !== undefined) {
      sql.exec('DELETE FROM dead WHERE key <= (SELECT key FROM dead ORDER BY key DESC LIMIT 1 OFFSET ?)', DEAD_MOST)
    }
    for (const key of resend) {
      sql.exec(
        `INSERT OR REPLACE INTO outbox (key, time, count, events)
          SELECT key, time, count, events FROM dead WHERE key = ?`,
        key,
      )
      sql.exec('DELETE FROM dead WHERE key = ?', key)
    }
  }

  *#rows(): Generator<OutboxRow> {
    const rows = this.#sql.exec<{ key: string; time: number; count: number; events: string; retry: string | null }>(
      'SELECT key, time, count, events, retry FROM outbox ORDER BY key',
    )
    for (const { retry, ...rest } of rows) yield { ...rest, retry: retry === null ? null : JSON.parse(retry) }
  }
}
