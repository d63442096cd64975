import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Every statement that a room's log runs, prepared once per database: a prepare costs more than the insert. */
const SQL = {
  room: 'SELECT room, state FROM rooms WHERE name = ?',
  epochs: 'SELECT name, last FROM epochs WHERE room = ? ORDER BY name',
  newest: 'SELECT epoch, last, time FROM packs WHERE room = ? ORDER BY epoch DESC, first DESC LIMIT 1',
  oldest: 'SELECT epoch, first AS "offset" FROM packs WHERE room = ? ORDER BY epoch, first LIMIT 1',
  sessions: 'SELECT row FROM sessions WHERE room = ?',
  id: 'SELECT epoch, "offset", fingerprint FROM ids WHERE room = ? AND key = ?',
  // From the pack that holds the first wanted offset: the last one that begins at or before it.
  packs: `SELECT first, entries FROM packs WHERE room = ?1 AND epoch = ?2 AND first >= coalesce(
    (SELECT max(first) FROM packs WHERE room = ?1 AND epoch = ?2 AND first <= ?3), 0) ORDER BY first`,
  packsBack: 'SELECT first, entries FROM packs WHERE room = ? AND epoch = ? AND first <= ? ORDER BY first DESC',
  addRoom: 'INSERT INTO rooms (name) VALUES (?)',
  addEpoch: 'INSERT INTO epochs (room, name, last) VALUES (?, ?, ?)',
  addPack: 'INSERT INTO packs (room, epoch, first, last, time, entries) VALUES (?, ?, ?, ?, ?, ?)',
  addId: 'INSERT OR REPLACE INTO ids (room, key, epoch, "offset", fingerprint) VALUES (?, ?, ?, ?, ?)',
  putSession: 'INSERT OR REPLACE INTO sessions (room, id, row) VALUES (?, ?, ?)',
  dropSession: 'DELETE FROM sessions WHERE room = ? AND id = ?',
  setState: 'UPDATE rooms SET state = ? WHERE room = ?',
} as const

export type Statements = { readonly [name in keyof typeof SQL]: StatementSync }

const prepared = new WeakMap<DatabaseSync, Statements>()

export function prepare(db: DatabaseSync): Statements {
  const known = prepared.get(db)
  if (known !== undefined) return known
  const statements = Object.fromEntries(
    Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]),
  ) as unknown as Statements
  prepared.set(db, statements)
  return statements
}
