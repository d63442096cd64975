import { markFrom } from '../protocol/cursor.ts'
import { Refusal } from '../protocol/errors.ts'
import type { Retention } from '../room/log/retention.ts'
import type { RoomLimits } from '../room/ports.ts'
import { Chores } from './chores.ts'
import { LocalRoom, type RoomClass } from './local-room.ts'
import type { Planned } from './sqlite/log.ts'
import type { Sync } from './sqlite/open.ts'
import { outageOf } from './sqlite/outage.ts'
import { SqliteStore } from './sqlite/store.ts'

export interface RoomsOptions {
  readonly file: string
  readonly sync?: Sync
  readonly room: RoomClass
  readonly limits: RoomLimits
  /** What a room keeps. Default: what the design says. */
  kept?(room: string): Retention
  /** How long a room with nobody in it stays in memory (ms). */
  readonly idle?: number
  report(error: unknown): void
}

type Plan = readonly [room: LocalRoom, planned: Planned]

/** The rooms of this process, by name; and the one transaction that commits for all that are due. */
export class Rooms {
  readonly #options: RoomsOptions
  readonly #store: SqliteStore
  readonly #rooms = new Map<string, LocalRoom>()
  readonly #chores: Chores
  #due: LocalRoom[] = []
  #committing: Promise<void> | undefined

  constructor(options: RoomsOptions) {
    this.#options = options
    const { file, sync, kept, report, idle } = options
    const writer = { mark: markFrom(crypto.getRandomValues(new Uint8Array(3))), since: Date.now() }
    this.#store = new SqliteStore({ file, writer, report, ...(sync && { sync }), ...(kept && { kept }) })
    this.#chores = new Chores(this.#store, this.#rooms, (name) => this.get(name), report, idle)
  }

  /** Why nothing can be written; undefined: it can. */
  get outage(): string | undefined {
    return this.#store.outage
  }

  /** @throws Refusal `storage` */
  get(name: string): LocalRoom {
    const known = this.#rooms.get(name)
    if (known !== undefined) return known
    const { room, limits, report } = this.#options
    try {
      const made = new LocalRoom({
        name,
        room,
        limits,
        report,
        openLog: () => this.#store.log(name),
        due: (r) => this.#isDue(r),
        lost: () => this.#rooms.delete(name),
      })
      this.#rooms.set(name, made)
      return made
    } catch (error) {
      report(error)
      throw new Refusal('storage', 'The log cannot be read')
    }
  }

  /** Sends everyone away; who waits for an acknowledgement has it before. */
  async drain(): Promise<void> {
    await this.#flush()
    const clients = [...this.#rooms.values()].reduce((sum, room) => sum + room.connections, 0)
    for (const room of this.#rooms.values()) room.drain(clients)
  }

  async close(): Promise<void> {
    this.#chores.stop()
    await this.#flush()
    await this.#store.close()
  }

  /** Writes whatever waits, at whatever pace its room is. */
  async #flush(): Promise<void> {
    await this.#committing
    for (const room of this.#rooms.values()) {
      if (room.hasWork && !this.#due.includes(room)) this.#due.push(room)
    }
    await this.#commit()
  }

  #isDue(room: LocalRoom): void {
    // One that was lost may still have a timer.
    if (this.#rooms.get(room.name) !== room) return
    this.#due.push(room)
    if (this.#due.length > 1 || this.#committing !== undefined) return
    // After this turn of the event loop: what came in with it, for whichever room, shares one transaction.
    setImmediate(() => this.#commit())
  }

  /** One transaction at a time: what becomes due while the disk is waited for shares the next. */
  #commit(): Promise<void> {
    this.#committing ??= this.#commitAll()
    return this.#committing
  }

  async #commitAll(): Promise<void> {
    try {
      while (this.#due.length > 0) await this.#write(this.#due.splice(0).flatMap((room) => this.#planOf(room)))
    } catch (error) {
      this.#options.report(error)
    } finally {
      this.#committing = undefined
    }
  }

  #planOf(room: LocalRoom): Plan[] {
    try {
      return [[room, room.plan()]]
    } catch (error) {
      this.#options.report(error)
      room.failed(outageOf(error) ?? 'what it holds cannot be read')
      return []
    }
  }

  async #write(plans: readonly Plan[]): Promise<void> {
    const writes = plans.flatMap(([, { writes }]) => writes)
    try {
      if (writes.length > 0) await this.#store.write(writes)
    } catch (error) {
      if (this.#store.outage === undefined) this.#options.report(error)
      // What one room cannot write must not keep the others from it.
      if (plans.length > 1 && outageOf(error) === undefined) for (const plan of plans) await this.#write([plan])
      else for (const [room] of plans) room.failed(this.#store.outage ?? 'the database refuses it')
      return
    }
    for (const [room, planned] of plans) room.written(planned)
  }
}
