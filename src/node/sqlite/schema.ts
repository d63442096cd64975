/** What the file holds. Rows of a room come with its first commit: one that is only read has none (FOLLOW-7). */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rooms (
    room INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT
  ) STRICT;

  -- Epochs that are over, and how far each came.
  CREATE TABLE IF NOT EXISTS epochs (
    room INTEGER NOT NULL,
    name TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (room, name)
  ) STRICT, WITHOUT ROWID;

  -- One row for what one room wrote in one commit: a row per message costs nearly twice the CPU.
  CREATE TABLE IF NOT EXISTS packs (
    room INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    time INTEGER NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (room, epoch, first)
  ) STRICT, WITHOUT ROWID;

  -- Ids that clients chose (PUB-5).
  CREATE TABLE IF NOT EXISTS ids (
    room INTEGER NOT NULL,
    key TEXT NOT NULL,
    epoch TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    PRIMARY KEY (room, key)
  ) STRICT, WITHOUT ROWID;

  -- As JSON: what a session holds is the room's business.
  CREATE TABLE IF NOT EXISTS sessions (
    room INTEGER NOT NULL,
    id TEXT NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (room, id)
  ) STRICT, WITHOUT ROWID;

  PRAGMA user_version = 1;
`
