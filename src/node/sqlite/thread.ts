import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { connect, type Sync } from './open.ts'
import { type Write, writerOf } from './statements.ts'

/**
 * What the thread is asked for: to write, to move what was written from the write-ahead log into the database, or to have
 * that log begun anew, while which nobody can write.
 */
export type Request = { readonly writes: readonly Write[] } | 'checkpoint' | 'restart' | 'close'

interface ThreadData {
  readonly file: string
  readonly sync: Sync
}

interface Answer {
  /** The write-ahead log wants to be begun anew. */
  readonly isLong?: boolean
  readonly error?: { readonly message: string; readonly errcode?: number }
}

/** A write-ahead log longer than this is begun anew (pages of 4 KiB). */
const LONG = 8192
/** How long writers pause for one who reads what is in it, such as a backup: there is a next time (ms). */
const PAUSE = 50

interface Pending {
  resolve(isLong: boolean): void
  reject(error: Error): void
}

/** One life of the thread, and what it was asked: the next life answers for nothing that this one was asked. */
interface Life {
  readonly worker: Worker
  readonly asked: Pending[]
}

/** A second thread with its own connection: where a write waits for the disk, nobody else waits with it. */
export class DatabaseThread {
  readonly #data: ThreadData
  #life: Life | undefined

  constructor(file: string, sync: Sync) {
    this.#data = { file, sync }
  }

  /**
   * Answered in the order of asking; true: the write-ahead log wants to be begun anew.
   * @throws what SQLite did, with its `errcode`; what is not answered is in doubt
   */
  ask(request: Request): Promise<boolean> {
    const { worker, asked } = this.#started()
    return new Promise((resolve, reject) => {
      // It keeps no process alive but while somebody waits for it, or a gateway that goes down would be gone before it is.
      worker.ref()
      worker.postMessage(request)
      asked.push({ resolve, reject })
    })
  }

  async close(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    await this.ask('close')
    await life.worker.terminate()
  }

  /** One that died is started again by the next request. */
  #started(): Life {
    if (this.#life !== undefined) return this.#life
    const worker = new Worker(new URL(import.meta.url), { workerData: { holdline: this.#data } })
    const life: Life = { worker, asked: [] }
    let why = new Error('The thread that writes has ended')
    worker.on('message', ({ isLong = false, error }: Answer) => {
      const asked = life.asked.shift()
      if (life.asked.length === 0) worker.unref()
      if (error === undefined) asked?.resolve(isLong)
      else asked?.reject(Object.assign(new Error(error.message), { errcode: error.errcode }))
    })
    worker.on('error', (error) => {
      why = error
    })
    // Not before: until then it may still write.
    worker.on('exit', () => {
      if (this.#life === life) this.#life = undefined
      for (const { reject } of life.asked.splice(0)) reject(why)
    })
    this.#life = life
    return life
  }
}

/** The thread's own side. */
function listen(port: MessagePort, { file, sync }: ThreadData): void {
  const open = () => {
    const db = connect(file, sync)
    const passive = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
    const restart = () => db.exec(`PRAGMA busy_timeout = ${PAUSE}; PRAGMA wal_checkpoint(RESTART)`)
    return { db, write: writerOf(db), passive, restart }
  }
  let opened: ReturnType<typeof open> | undefined
  const serve = (request: Request): Answer => {
    if (request === 'close') {
      opened?.db.close()
      return {}
    }
    opened ??= open()
    if (request === 'checkpoint') return { isLong: (opened.passive.get() as { log: number }).log > LONG }
    if (request === 'restart') opened.restart()
    else opened.write(request.writes)
    return {}
  }
  port.on('message', (request: Request) => {
    let answer: Answer = {}
    try {
      answer = serve(request)
    } catch (error) {
      const { message, errcode } = error as Error & { errcode?: number }
      answer = { error: { message, ...(errcode !== undefined && { errcode }) } }
    }
    port.postMessage(answer)
  })
}

const own = workerData as { readonly holdline?: ThreadData } | null
if (!isMainThread && parentPort !== null && own?.holdline !== undefined) listen(parentPort, own.holdline)
