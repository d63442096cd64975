import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { WebhookEvent } from '../../protocol/webhook.ts'
import { RETENTION, type Retention } from '../../room/log/retention.ts'
import { type Ground, SqliteLog } from './log.ts'
import { migrate } from './schema.ts'
import { prepareQueries, type Write, writerOf } from './statements.ts'

export interface StoreOptions {
  /** The database's path, or `:memory:`. */
  readonly file: string
  readonly writer: Ground['writer']
  /** What a room keeps. */
  kept?(room: string): Retention
}

/** All rooms of a Node process in one SQLite file, so that one transaction commits what many of them have to write. */
export class SqliteStore {
  readonly #db: DatabaseSync
  readonly #ground: Ground
  readonly #kept: (room: string) => Retention
  readonly write: (writes: readonly Write[]) => void

  /** @throws Error if the file cannot be opened, or another process has it */
  constructor({ file, writer, kept = () => RETENTION }: StoreOptions) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    this.#db = new DatabaseSync(file)
    this.#kept = kept
    try {
      // EXCLUSIVE: two processes on one file would each have their own idea of every room's head.
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      migrate(this.#db)
    } catch (error) {
      this.#db.close()
      throw new Error(`${file} cannot be used: ${(error as Error).message}`, { cause: error })
    }
    const sql = prepareQueries(this.#db)
    let { last } = sql.lastRoom.get() as { last: number }
    this.#ground = { sql, writer, nextRoom: () => ++last }
    this.write = writerOf(this.#db)
  }

  log(room: string, tells: readonly WebhookEvent[] = []): SqliteLog {
    return new SqliteLog(this.#ground, room, this.#kept(room), tells)
  }

  /** Rooms that have something to tell. */
  telling(): string[] {
    return this.#ground.sql.telling.all().map(({ name }) => name as string)
  }

  close(): void {
    this.#db.close()
  }
}
