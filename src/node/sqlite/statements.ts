import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { TRIAL } from './schema.ts'

/** What a room's log asks. */
const QUERIES = {
  room: 'SELECT room, state FROM rooms WHERE name = ?',
  lastRoom: 'SELECT coalesce(max(room), 0) AS last FROM rooms',
  epochs: 'SELECT name, last FROM epochs WHERE room = ? ORDER BY name',
  newest: 'SELECT epoch, last, time FROM packs WHERE room = ? ORDER BY epoch DESC, first DESC LIMIT 1',
  // Those before it have been pruned. The length is told without reading the text.
  oldest: `SELECT epoch, first, last, time, ids FROM packs
    WHERE room = ? AND octet_length(entries) > 0 ORDER BY epoch, first LIMIT 1`,
  rowsAfter: `SELECT epoch, first, last, time, ids FROM packs
    WHERE room = ? AND (epoch, first) > (?, ?) ORDER BY epoch, first LIMIT ?`,
  firstRows: 'SELECT epoch, first, last, time, ids FROM packs WHERE room = ? ORDER BY epoch, first LIMIT ?',
  named: 'SELECT name FROM rooms WHERE name > ? ORDER BY name LIMIT ?',
  stored: 'SELECT room, name FROM rooms WHERE room > ? ORDER BY room LIMIT ?',
  inhabited: `SELECT room, name FROM (SELECT DISTINCT room FROM sessions WHERE room > ? ORDER BY room LIMIT ?)
    JOIN rooms USING (room) ORDER BY room`,
  sessions: 'SELECT row FROM sessions WHERE room = ?',
  id: 'SELECT epoch, "offset", fingerprint FROM ids WHERE room = ? AND key = ?',
  // From the pack that holds the first wanted offset: the last one that begins at or before it.
  packs: `SELECT first, entries FROM packs WHERE room = ?1 AND epoch = ?2 AND first >= coalesce(
    (SELECT max(first) FROM packs WHERE room = ?1 AND epoch = ?2 AND first <= ?3), 0) ORDER BY first`,
  packsBack: `SELECT first, entries FROM packs WHERE room = ? AND epoch = ? AND first <= ? AND first > ?
    ORDER BY first DESC`,
  untold: 'SELECT key, time, count, events, retry FROM outbox WHERE room = ? ORDER BY key',
  newestUntold: `SELECT max(key) AS key FROM (
    SELECT max(key) AS key FROM outbox WHERE room = ?1 UNION ALL SELECT max(key) FROM dead WHERE room = ?1)`,
  waiting: 'SELECT coalesce(sum(count), 0) AS waiting FROM outbox WHERE room = ?',
  dead: 'SELECT key, count, events, reason, died FROM dead WHERE room = ? AND key > ? ORDER BY key LIMIT ?',
  telling: `SELECT room, name FROM (SELECT DISTINCT room FROM outbox WHERE room > ? ORDER BY room LIMIT ?)
    JOIN rooms USING (room) ORDER BY room`,
} as const

/** What it writes. */
const WRITES = {
  addRoom: 'INSERT INTO rooms (room, name) VALUES (?, ?)',
  addEpoch: 'INSERT INTO epochs (room, name, last) VALUES (?, ?, ?)',
  dropEpoch: 'DELETE FROM epochs WHERE room = ? AND name = ?',
  addPack: 'INSERT INTO packs (room, epoch, first, last, time, ids, entries) VALUES (?, ?, ?, ?, ?, ?, ?)',
  emptyPack: "UPDATE packs SET entries = '' WHERE room = ? AND epoch = ? AND first = ?",
  dropPack: 'DELETE FROM packs WHERE room = ? AND epoch = ? AND first = ?',
  addId: 'INSERT OR REPLACE INTO ids (room, key, epoch, "offset", fingerprint) VALUES (?, ?, ?, ?, ?)',
  dropId: 'DELETE FROM ids WHERE room = ? AND key = ?',
  putSession: 'INSERT OR REPLACE INTO sessions (room, id, row) VALUES (?, ?, ?)',
  dropSession: 'DELETE FROM sessions WHERE room = ? AND id = ?',
  trial: TRIAL,
  setState: 'UPDATE rooms SET state = ? WHERE room = ?',
  addUntold: 'INSERT INTO outbox (room, key, time, count, events) VALUES (?, ?, ?, ?, ?)',
  dropUntold: 'DELETE FROM outbox WHERE room = ? AND key = ?',
  retryUntold: 'UPDATE outbox SET retry = ? WHERE room = ? AND key = ?',
  bury: `INSERT OR REPLACE INTO dead (room, key, time, count, events, reason, died)
    SELECT room, key, time, count, events, ?, ? FROM outbox WHERE room = ? AND key = ?`,
  dropDead: 'DELETE FROM dead WHERE room = ? AND key = ?',
  resend: `INSERT OR REPLACE INTO outbox (room, key, time, count, events)
    SELECT room, key, time, count, events FROM dead WHERE room = ? AND key = ?`,
  trimDead: `DELETE FROM dead WHERE room = ? AND key <= (
    SELECT key FROM dead WHERE room = ? ORDER BY key DESC LIMIT 1 OFFSET ?)`,
} as const

type Prepared<Of> = { readonly [name in keyof Of]: StatementSync }
export type Queries = Prepared<typeof QUERIES>

/** One row to be written: plain data, so that it can be handed to another thread. */
export type Write = readonly [statement: keyof typeof WRITES, ...values: (string | number | null)[]]

/** Prepared once per database: a prepare costs more than the insert. */
function prepare<Of extends Record<string, string>>(db: DatabaseSync, statements: Of): Prepared<Of> {
  return Object.fromEntries(Object.entries(statements).map(([name, sql]) => [name, db.prepare(sql)])) as Prepared<Of>
}

export const prepareQueries = (db: DatabaseSync): Queries => prepare(db, QUERIES)

/** Writes all of it in one transaction, or throws and nothing is written. */
export function writerOf(db: DatabaseSync): (writes: readonly Write[]) => void {
  const statements = prepare(db, WRITES)
  return (writes) => {
    db.exec('BEGIN IMMEDIATE')
    try {
      for (const [name, ...values] of writes) statements[name].run(...values)
      db.exec('COMMIT')
    } catch (error) {
      // A full disk may have rolled back by itself.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}
