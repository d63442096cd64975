import { markFrom } from '../protocol/cursor.ts'
import type { Retention } from '../room/log/retention.ts'
import type { Reply, Revocation, RoomLimits, Verdict } from '../room/ports.ts'
import { Room } from '../room/room.ts'
import type { Backend } from '../webhooks/backend.ts'
import { type Identity, LocalRoom, type RoomClass } from './local-room.ts'
import type { Planned } from './sqlite/log.ts'
import { SqliteStore } from './sqlite/store.ts'

/** How often rooms in which nothing happens are let go (ms). */
const SWEEP = 30_000
/** What was revoked in all rooms is kept like what was in one, in one that no client can name. */
const EVERYWHERE = '*'

export interface RoomsOptions {
  readonly file: string
  readonly room: RoomClass
  readonly limits: RoomLimits
  /** What a room keeps. Default: what the design says. */
  kept?(room: string): Retention
  /** Who is told of what happens; null: nobody. */
  readonly backend: Backend | null
  verify(room: string, token: string): Promise<Verdict>
  report(error: unknown): void
}

/** The rooms of this process, by name; and the one transaction that commits for all that are due. */
export class Rooms {
  readonly #options: RoomsOptions
  readonly #store: SqliteStore
  readonly #rooms = new Map<string, LocalRoom>()
  readonly #sweep: NodeJS.Timeout
  #due: LocalRoom[] = []

  constructor(options: RoomsOptions) {
    this.#options = options
    const { file, kept } = options
    const writer = { mark: markFrom(crypto.getRandomValues(new Uint8Array(3))), since: Date.now() }
    this.#store = new SqliteStore({ file, writer, ...(kept && { kept }) })
    this.#sweep = setInterval(() => this.#letGo(), SWEEP)
    this.#sweep.unref()
    // What the process before was about to tell.
    if (options.backend !== null) for (const name of this.#store.telling()) this.get(name)
  }

  get(name: string): LocalRoom {
    const known = this.#rooms.get(name)
    if (known !== undefined) return known
    const { limits, report, verify } = this.#options
    const isEverywhere = name === EVERYWHERE
    const room = isEverywhere ? Room : this.#options.room
    const backend = isEverywhere ? null : this.#options.backend
    const isRevoked = (by: Identity) => !isEverywhere && this.isRevoked(by)
    const openLog = () => this.#store.log(name, backend?.tells(name))
    const due = (r: LocalRoom) => this.#isDue(r)
    const made = new LocalRoom({ name, room, limits, backend, report, verify, isRevoked, openLog, due })
    this.#rooms.set(name, made)
    return made
  }

  /** Was it revoked in all rooms at once? */
  isRevoked(by: Identity): boolean {
    return this.get(EVERYWHERE).isRevoked(by)
  }

  async revoke(revocations: readonly Revocation[]): Promise<Reply> {
    const command = { type: 'revoke', revocations } as const
    const kept = this.get(EVERYWHERE).command(command)
    await Promise.all([...this.#rooms.values()].filter((room) => room.connections > 0).map((r) => r.command(command)))
    return kept
  }

  /** Sends everyone away; who waits for an acknowledgement has it before. */
  drain(): void {
    this.#commit()
    const clients = [...this.#rooms.values()].reduce((sum, room) => sum + room.connections, 0)
    for (const room of this.#rooms.values()) room.drain(clients)
  }

  /** Tells the backend nothing more; what is not told yet is told by the next process. */
  async stopTelling(): Promise<void> {
    await Promise.all([...this.#rooms.values()].map((room) => room.stopTelling()))
  }

  close(): void {
    clearInterval(this.#sweep)
    this.#commit()
    for (const room of this.#rooms.values()) room.close()
    this.#store.close()
  }

  #isDue(room: LocalRoom): void {
    // After this turn of the event loop: what came in with it, for whichever room, shares one transaction.
    if (this.#due.length === 0) setImmediate(() => this.#commit())
    this.#due.push(room)
  }

  #commit(): void {
    const due = this.#due
    this.#due = []
    if (due.length === 0) return
    const planned: [LocalRoom, Planned][] = []
    try {
      for (const room of due) planned.push([room, room.plan()])
      const writes = planned.flatMap(([, plan]) => plan.writes)
      if (writes.length > 0) this.#store.write(writes)
    } catch (error) {
      this.#options.report(error)
      for (const room of due) room.failed()
      return
    }
    for (const [room, plan] of planned) room.written(plan)
  }

  #letGo(): void {
    for (const [name, room] of this.#rooms) if (room.idle && name !== EVERYWHERE) this.#rooms.delete(name)
  }
}
