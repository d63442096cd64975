import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import type { Level, Tell } from '../../protocol/journal.ts'
import type { WebhookEvent } from '../../protocol/webhook.ts'
import { RETENTION, type Retention } from '../../room/log/retention.ts'
import { type Ground, SqliteLog } from './log.ts'
import { MEMORY, type Opened, openFile, type Sync } from './open.ts'
import { outageOf } from './outage.ts'
import { prepareQueries, type Queries, type Write } from './statements.ts'
import { type Writer, writerFor } from './writer.ts'

export interface StoreOptions {
  /** The database's path, or `:memory:`. */
  readonly file: string
  readonly writer: Ground['writer']
  readonly sync?: Sync
  /** What a room keeps. */
  kept?(room: string): Retention
  readonly tell?: Tell
}

/** While nothing can be written, how often it is tried whether it can be again (ms), and with how much. */
const RETRY = 1000
const TRIAL = new Uint8Array(256 * 1024)

/** All rooms of a Node process in one SQLite file, so that one transaction commits what many of them have to write. */
export class SqliteStore {
  readonly #options: StoreOptions
  readonly #ground: Ground
  #opened: Opened
  #sql: Queries
  #writer: Writer | undefined
  #outage: string | undefined
  #retry: NodeJS.Timeout | undefined

  /** @throws Error if the file cannot even be read, or another process has it */
  constructor(options: StoreOptions) {
    this.#options = options
    this.#opened = openFile(options.file)
    this.#sql = prepareQueries(this.#opened.db)
    let last = -1
    const self = this
    this.#ground = {
      get sql() {
        return self.#sql
      },
      writer: options.writer,
      nextRoom: () => {
        if (last === -1) ({ last } = this.#sql.lastRoom.get() as { last: number })
        return ++last
      },
    }
    if (this.#opened.outage === undefined) this.#writer = this.#newWriter()
    else this.#fails(this.#opened.outage)
  }

  /** Why nothing can be written; undefined: it can. */
  get outage(): string | undefined {
    return this.#outage
  }

  log(room: string, tells: readonly WebhookEvent[] = []): SqliteLog {
    const { kept = () => RETENTION } = this.#options
    return new SqliteLog(this.#ground, room, kept(room), tells)
  }

  /** The next rooms after that number: all that are stored, those that have sessions, or those with something to tell. */
  rooms(which: 'stored' | 'inhabited' | 'telling', after: number, limit: number): { room: number; name: string }[] {
    return this.#sql[which].all(after, limit) as unknown as { room: number; name: string }[]
  }

  /** Names after that one, in their order. */
  names(after: string, limit: number): string[] {
    return (this.#sql.named.all(after, limit) as { name: string }[]).map(({ name }) => name)
  }

  /** Writes all of it or nothing, one call at a time. @throws Error if nothing was written */
  async write(writes: readonly Write[]): Promise<void> {
    if (this.#writer === undefined) throw new Error(`${this.#options.file} cannot be written: ${this.#outage}`)
    try {
      // Not awaited if there is nothing to wait for: what was written now is settled now.
      const writing = this.#writer.write(writes)
      if (writing !== undefined) await writing
      this.#recovers()
    } catch (error) {
      const outage = outageOf(error)
      if (outage !== undefined) this.#fails(outage)
      throw error
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry)
    await this.#writer?.close()
    if (this.#opened.db.isOpen) this.#opened.db.close()
    this.#opened.lock?.close()
  }

  #newWriter(): Writer {
    const { file, sync = 'normal' } = this.#options
    return writerFor(this.#opened.db, file, sync, (error) =>
      this.#tell('error', `cannot take in its write-ahead log: ${outageOf(error) ?? (error as Error).message}`),
    )
  }

  #fails(outage: string): void {
    if (this.#outage === undefined)
      this.#tell('error', `cannot be written: ${outage}. Publishing is refused until it can`)
    this.#outage = outage
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#try(), RETRY)
    this.#retry.unref()
  }

  #recovers(): void {
    if (this.#outage === undefined) return
    clearTimeout(this.#retry)
    this.#outage = undefined
    this.#tell('info', 'can be written again')
  }

  /** Finds out by itself that it can write again: those who would publish may have been sent elsewhere. */
  async #try(): Promise<void> {
    try {
      if (this.#writer === undefined) this.#reopen()
      this.#leaveRoom()
      await this.write([['trial']])
    } catch (error) {
      this.#fails(outageOf(error) ?? (error as Error).message)
    }
  }

  #reopen(): void {
    // Closed first: the connections of a process share what they know of a file, also that it cannot be written.
    if (this.#opened.db.isOpen) this.#opened.db.close()
    this.#opened = openFile(this.#options.file)
    this.#sql = prepareQueries(this.#opened.db)
    if (this.#opened.outage !== undefined) throw new Error(this.#opened.outage)
    this.#writer = this.#newWriter()
  }

  /** One page may find a place where a commit does not. */
  #leaveRoom(): void {
    const { file } = this.#options
    if (file === MEMORY) return
    const trial = openSync(`${file}.trial`, 'w')
    try {
      writeSync(trial, TRIAL)
    } finally {
      closeSync(trial)
      rmSync(`${file}.trial`)
    }
  }

  #tell(level: Level, what: string): void {
    this.#options.tell?.(level, `${this.#options.file} ${what}`)
  }
}
