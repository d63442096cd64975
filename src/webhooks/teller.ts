import { reporter, type Tell } from '../protocol/journal.ts'
import type { OutboxChange } from '../protocol/webhook.ts'
import type { Log } from '../room/log/log.ts'
import type { Command, Reply } from '../room/ports.ts'
import type { Backend } from './backend.ts'
import { Courier } from './courier.ts'

/** In place of a teller's answer, where there is none. */
export const NO_BACKEND: Reply = { type: 'error', code: 'not_found', message: 'No backend is told of this room' }

type Outbox = Pick<Log, 'untold' | 'dead'>

export interface TellerHost {
  readonly room: string
  readonly backend: Backend
  /** The room's log as it is now: a failed commit makes another. */
  outbox(): Outbox
  /** Resolves when it is written; false: it was not. */
  commit(change: OutboxChange): Promise<boolean>
  /** → `run`, not before that time (ms). */
  wakeAt(time: number): void
  readonly tell: Tell
}

/** What one room tells the backend, on either runtime: its courier, and its dead letters. */
export class Teller {
  readonly #host: TellerHost
  readonly #courier: Courier
  /** When the courier wants to be woken; null: it waits for nothing. */
  #at: number | null = null

  /** `waiting`: events in the outbox. */
  constructor(host: TellerHost, waiting: number) {
    this.#host = host
    const { room, backend } = host
    this.#courier = new Courier(
      {
        room,
        waiting: backend.waiting,
        oldest: (events) => host.outbox().untold(events),
        commit: (change) => host.commit(change),
        send: (rows) => backend.send(room, rows),
        wakeAt: (time) => this.#wakeAt(time),
        now: Date.now,
        random: Math.random,
        tell: host.tell,
        buried: (events) => {
          backend.deliveries.buried += events
        },
      },
      waiting,
    )
    if (waiting > 0) this.#at = host.outbox().untold(1)[0]?.retry?.at ?? Date.now()
  }

  /** Events that wait. */
  get waiting(): number {
    return this.#courier.waiting
  }

  get idle(): boolean {
    return this.#courier.idle
  }

  /** When it wants to be woken: the host looks at its birth, and is told by `wakeAt` from then on. */
  get at(): number | null {
    return this.#at
  }

  /** So many events more wait since the last commit. */
  added(events: number): void {
    this.#courier.added(events)
    // What failed is tried again in its own time, and nothing overtakes it.
    if (this.#at === null) this.#wakeAt(Date.now())
  }

  /** Delivers what is due. Resolves when nothing is for now. */
  async run(): Promise<void> {
    // Timers and alarms may come early.
    if (this.#at !== null && this.#at > Date.now()) return this.#host.wakeAt(this.#at)
    this.#at = null
    try {
      await this.#courier.run()
    } catch (error) {
      reporter(this.#host.tell, { room: this.#host.room })(error)
      this.#wakeAt(Date.now() + 60_000)
    }
  }

  stop(): Promise<void> {
    return this.#courier.stop()
  }

  command(command: Extract<Command, { type: 'dead' | 'resend' }>): Promise<Reply> {
    return command.type === 'dead' ? Promise.resolve(letters(this.#host.outbox(), command)) : this.#resend(command)
  }

  async #resend({ key }: Extract<Command, { type: 'resend' }>): Promise<Reply> {
    const outbox = this.#host.outbox()
    // No more than 36 keys have all but the last character in common.
    const found = key === undefined ? outbox.dead('', RESENT) : outbox.dead(key.slice(0, -1), 36)
    const chosen = found.filter((letter) => key === undefined || letter.key === key)
    if (chosen.length === 0) return { type: 'error', code: 'not_found', message: 'There is no such dead letter' }
    if (!(await this.#host.commit({ resend: chosen.map((letter) => letter.key) }))) {
      return { type: 'error', code: 'storage', message: 'The log cannot be written' }
    }
    const count = chosen.reduce((sum, letter) => sum + letter.count, 0)
    this.added(count)
    return { type: 'resent', count }
  }

  #wakeAt(time: number): void {
    this.#at = time
    this.#host.wakeAt(time)
  }
}

/** Dead letters that one request has sent again, in rows. */
const RESENT = 100

/** A page of what could not be told (HOOK-8). */
function letters(outbox: Outbox, { after, limit }: Extract<Command, { type: 'dead' }>): Reply {
  const found = outbox.dead(after, limit + 1)
  const page = found.slice(0, limit)
  return { type: 'dead', letters: page, next: found.length > limit ? (page.at(-1)?.key ?? null) : null }
}
