import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SqliteLog } from './log.ts'
import { SCHEMA } from './schema.ts'

/** All rooms of a Node process in one SQLite file, so that one transaction commits what many of them have to write. */
export class SqliteStore {
  readonly #db: DatabaseSync
  readonly #mark: string

  /**
   * @param file the database's path, or `:memory:`
   * @param mark names this process in the epochs that it begins, so that a restored backup never reuses an offset
   */
  constructor(file: string, mark: string) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    this.#db = new DatabaseSync(file)
    this.#mark = mark
    // EXCLUSIVE: two processes on one file would each have their own idea of every room's head.
    this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    this.#db.exec(SCHEMA)
  }

  log(room: string): SqliteLog {
    return new SqliteLog(this.#db, room, this.#mark)
  }

  /** Everything that `write` writes, or nothing. */
  transaction(write: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      write()
      this.#db.exec('COMMIT')
    } catch (error) {
      // A full disk may have rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#db.close()
  }
}
