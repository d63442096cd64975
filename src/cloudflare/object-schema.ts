/**
 * What an object stores, as it came to be: `schema` in `meta` says how many steps were applied; absent, the first alone.
 * A step that has been released is never changed; what is to be different is a step more.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- ids: what clients chose (PUB-5), as JSON [[key, offset, fingerprint], …], since a row each would cost a row each.
  CREATE TABLE packs (
    epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL,
    ids TEXT, entries TEXT NOT NULL, PRIMARY KEY (epoch, first)
  ) WITHOUT ROWID;
  CREATE TABLE sessions (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
  `,
  // From here on a pack may have been pruned to its ids: its entries are the empty text.
  "INSERT INTO meta (name, value) VALUES ('schema', '2')",
]

/** Brings the storage to the newest schema. @throws Error if it is of a newer Holdline */
export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage
  const version = storedVersion(sql)
  if (version > MIGRATIONS.length) {
    throw new Error(
      `This room was stored by a newer Holdline (schema ${version}; this one knows ${MIGRATIONS.length}): deploy that again`,
    )
  }
  if (version < MIGRATIONS.length) {
    storage.transactionSync(() => {
      for (const step of MIGRATIONS.slice(version)) sql.exec(step)
    })
  }
}

function storedVersion(sql: SqlStorage): number {
  if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'meta'").toArray().length === 0) return 0
  const [row] = sql.exec<{ value: string }>("SELECT value FROM meta WHERE name = 'schema'").toArray()
  return Number(row?.value ?? 1)
}
