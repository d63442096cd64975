import type { DatabaseSync } from 'node:sqlite'
import { MEMORY, type Sync } from './open.ts'
import { type Write, writerOf } from './statements.ts'
import { DatabaseThread } from './thread.ts'

/** Writes what is planned, all of it in one transaction. One at a time. */
export interface Writer {
  /** @throws what SQLite did, at once or later; then nothing was written */
  write(writes: readonly Write[]): void | Promise<void>
  close(): Promise<void>
}

/**
 * After so many bytes, or so long (ms), what was written is moved from the write-ahead log into the database, and the disk
 * waited for: what a machine that dies takes with it is bounded by that. A commit writes whole pages: some 12 kB besides.
 */
const MOST = 4 * 1024 * 1024
const LONGEST = 1000
const COMMIT = 12 * 1024

/** `stuck` is told why the write-ahead log cannot be moved into the database, once while it cannot. */
export function writerFor(db: DatabaseSync, file: string, sync: Sync, stuck: (error: unknown) => void): Writer {
  if (file === MEMORY) return { write: writerOf(db), close: async () => {} }
  return sync === 'full' ? threadWriter(file) : loopWriter(db, file, stuck)
}

/** `full`: the thread waits for the disk, and nobody else. */
function threadWriter(file: string): Writer {
  const thread = new DatabaseThread(file, 'full')
  // Started now, or the first who publishes would wait for that.
  thread.ask('checkpoint').catch(() => {})
  return {
    async write(writes) {
      await thread.ask({ writes })
    },
    close: () => thread.close(),
  }
}

/**
 * `normal`: a commit waits for no disk, so the event loop does it. Only checkpoints do, so they are the thread's. While one
 * of them keeps writers out, commits wait for the thread: SQLite would have the event loop wait, and give up after a second.
 */
function loopWriter(db: DatabaseSync, file: string, stuck: (error: unknown) => void): Writer {
  const thread = new DatabaseThread(file, 'normal')
  const write = writerOf(db)
  let written = 0
  let isBusy = false
  let isStuck = false
  let later: NodeJS.Timeout | undefined
  let restarting: Promise<unknown> | undefined
  db.exec('PRAGMA wal_autocheckpoint = 0')
  const checkpoint = (): void => {
    clearTimeout(later)
    later = undefined
    if (isBusy) return
    isBusy = true
    written = 0
    thread
      .ask('checkpoint')
      .then((isLong) => {
        isStuck = false
        if (isLong) restarting = thread.ask('restart')
        return restarting
      })
      // One that fails loses nothing, and the next one does its work too; but what a dead machine takes is not bounded.
      .catch((error) => {
        if (!isStuck) stuck(error)
        isStuck = true
        soon()
      })
      .finally(() => {
        isBusy = false
        restarting = undefined
        if (written > 0) soon()
      })
  }
  const soon = (): void => {
    later ??= setTimeout(checkpoint, LONGEST).unref()
  }
  const put = (writes: readonly Write[]): void => {
    write(writes)
    written += writes.reduce((sum, [, ...values]) => sum + sizeOf(values), COMMIT)
    if (written > MOST) checkpoint()
    else soon()
  }
  return {
    write(writes) {
      if (restarting === undefined) return put(writes)
      const putThen = (): void => put(writes)
      return restarting.then(putThen, putThen)
    },
    close() {
      clearTimeout(later)
      return thread.close()
    },
  }
}

const sizeOf = (values: readonly unknown[]): number =>
  values.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 8), 0)
