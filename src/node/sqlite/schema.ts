import type { DatabaseSync } from 'node:sqlite'

/**
 * What the file holds, as it came to be: each step is applied once, and `PRAGMA user_version` says how many were.
 * A step that has been released is never changed; what is to be different is a step more.
 * Rows of a room come with its first commit: one that is only read has none (FOLLOW-7).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE rooms (
    room INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT
  ) STRICT;

  -- Epochs that are over, and how far each came.
  CREATE TABLE epochs (
    room INTEGER NOT NULL,
    name TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (room, name)
  ) STRICT, WITHOUT ROWID;

  -- One row for what one room wrote in one commit: a row per message costs nearly twice the CPU.
  CREATE TABLE packs (
    room INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    time INTEGER NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (room, epoch, first)
  ) STRICT, WITHOUT ROWID;

  -- Ids that clients chose (PUB-5).
  CREATE TABLE ids (
    room INTEGER NOT NULL,
    key TEXT NOT NULL,
    epoch TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    PRIMARY KEY (room, key)
  ) STRICT, WITHOUT ROWID;

  -- As JSON: what a session holds is the room's business.
  CREATE TABLE sessions (
    room INTEGER NOT NULL,
    id TEXT NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (room, id)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The keys of its ids, as JSON, so that they can go with it without an index over all ids. A pack whose messages
  -- are pruned while repeats of them must still be known has no entries any more: the empty text.
  ALTER TABLE packs ADD COLUMN ids TEXT;
  CREATE INDEX by_place ON ids (room, epoch, "offset");
  UPDATE packs SET ids = (
    SELECT json_group_array(key) FROM ids
    WHERE ids.room = packs.room AND ids.epoch = packs.epoch AND ids."offset" BETWEEN packs.first AND packs.last
  ) WHERE EXISTS (
    SELECT 1 FROM ids
    WHERE ids.room = packs.room AND ids.epoch = packs.epoch AND ids."offset" BETWEEN packs.first AND packs.last
  );
  DROP INDEX by_place;
  `,
  `
  -- What a backend is yet to be told, as JSON lines: one row for what one commit had to tell. Retry is JSON too.
  CREATE TABLE outbox (
    room INTEGER NOT NULL,
    key TEXT NOT NULL,
    time INTEGER NOT NULL,
    count INTEGER NOT NULL,
    events TEXT NOT NULL,
    retry TEXT,
    PRIMARY KEY (room, key)
  ) STRICT, WITHOUT ROWID;

  -- What it was not told.
  CREATE TABLE dead (
    room INTEGER NOT NULL,
    key TEXT NOT NULL,
    time INTEGER NOT NULL,
    count INTEGER NOT NULL,
    events TEXT NOT NULL,
    reason TEXT NOT NULL,
    died INTEGER NOT NULL,
    PRIMARY KEY (room, key)
  ) STRICT, WITHOUT ROWID;
  `,
]

/** A write that changes nothing. */
export const TRIAL = `PRAGMA user_version = ${MIGRATIONS.length}`

const versionOf = (db: DatabaseSync): number =>
  (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

/** Can it be read as it is? */
export const isCurrent = (db: DatabaseSync): boolean => versionOf(db) === MIGRATIONS.length

/** Brings the file to the newest schema. @throws Error if it is of a newer Holdline, or of something else */
export function migrate(db: DatabaseSync): void {
  const version = versionOf(db)
  if (version > MIGRATIONS.length) {
    throw new Error(`it was written by a newer Holdline (schema ${version}; this one knows ${MIGRATIONS.length})`)
  }
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (version === 0 && tables > 0) throw new Error('it is a database, but not one of Holdline')
  MIGRATIONS.slice(version).forEach((step, i) => {
    db.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${version + i + 1}; COMMIT`)
  })
}
