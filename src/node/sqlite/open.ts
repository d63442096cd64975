import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { outageOf } from './outage.ts'
import { isCurrent, migrate, TRIAL } from './schema.ts'

/** What is done with a commit before it counts: `full` waits until it is on the disk, `normal` until the system has it. */
export type Sync = 'full' | 'normal'

export interface Opened {
  readonly db: DatabaseSync
  /** Held as long as the database is. */
  readonly lock?: DatabaseSync
  /** Why it can be read and not written. */
  readonly outage?: string
}

export const MEMORY = ':memory:'
/** Another connection of ours may write for a moment: a checkpoint (ms). */
const PATIENCE = 1000

/** @throws Error that names the file, if it cannot even be read, or another process has it */
export function openFile(file: string): Opened {
  if (file === MEMORY) return { db: openToWrite(file) }
  let lock: DatabaseSync | undefined
  try {
    mkdirSync(dirname(file), { recursive: true })
    // Asked first, since SQLite says only that it cannot open what it would have to make.
    accessSync(dirname(file), constants.W_OK)
    lock = lockOf(file)
    return { db: openToWrite(file), lock }
  } catch (error) {
    lock?.close()
    const outage = outageOf(error)
    try {
      if (outage !== undefined && existsSync(file)) return { db: openToRead(file), outage }
    } catch {
      // What it cannot be written for says more.
    }
    throw new Error(`${file} cannot be used: ${outage ?? (error as Error).message}`, { cause: error })
  }
}

/** A connection as both threads use it. */
export function connect(file: string, sync: Sync): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: PATIENCE })
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync}`)
  return db
}

function openToWrite(file: string): DatabaseSync {
  const db = connect(file, 'normal')
  try {
    migrate(db)
    // SQLite opens what it may not write for reading alone, and says nothing: a write tells.
    db.exec(TRIAL)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Readers need no more than what is there: a full disk or a read-only one keeps nobody from reading. */
function openToRead(file: string): DatabaseSync {
  const hasLog = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0
  // Without a write-ahead log, and nobody to write one, no locks are needed, which could not be taken either.
  const db = hasLog
    ? new DatabaseSync(file, { readOnly: true, timeout: PATIENCE })
    : new DatabaseSync(`file:${encodeURI(file)}?immutable=1`, { readOnly: true })
  if (!isCurrent(db)) throw new Error('it is of an older schema, and cannot be brought to this one')
  return db
}

/**
 * Two processes on one file would each have their own idea of every room's head. The database itself cannot be locked
 * whole, since two threads of ours use it; so what is locked is an empty database beside it. The system lets the lock go
 * when the process dies, however it dies.
 */
function lockOf(file: string): DatabaseSync {
  const lock = new DatabaseSync(`${file}.lock`)
  try {
    accessSync(`${file}.lock`, constants.W_OK)
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (((error as { errcode?: number }).errcode ?? 0) !== SQLITE_BUSY) throw error
    throw new Error('another Holdline has it open')
  }
}

const SQLITE_BUSY = 5
