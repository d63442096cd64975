import type { RoomList, RoomQuery } from '../gateway/ports.ts'
import type { Identity } from '../protocol/capabilities.ts'
import { markFrom } from '../protocol/cursor.ts'
import { Refusal } from '../protocol/errors.ts'
import { reporter, type Tell } from '../protocol/journal.ts'
import type { Retention } from '../room/log/retention.ts'
import type { Reply, Revocation, RoomLimits, Verdict } from '../room/ports.ts'
import { Room, type RoomClass } from '../room/room.ts'
import type { Backend } from '../webhooks/backend.ts'
import { messageSlots } from '../webhooks/slots.ts'
import { Chores } from './chores.ts'
import { list } from './listing.ts'
import { LocalRoom } from './local-room.ts'
import { type Look, nothing, type Readings } from './metrics/readings.ts'
import type { Planned } from './sqlite/log.ts'
import type { Sync } from './sqlite/open.ts'
import { outageOf } from './sqlite/outage.ts'
import { SqliteStore } from './sqlite/store.ts'

/** What was revoked in all rooms is kept like what was in one, in one that no client can name. */
const EVERYWHERE = '*'

export interface RoomsOptions {
  readonly file: string
  readonly sync?: Sync
  readonly room: RoomClass
  readonly limits: RoomLimits
  /** What a room keeps. Default: what the design says. */
  kept?(room: string): Retention
  /** Who is told of what happens; null: nobody. */
  readonly backend: Backend | null
  verify(room: string, token: string): Promise<Verdict>
  /** How long a room with nobody in it stays in memory (ms). */
  readonly idle?: number
  readonly tell: Tell
  readonly readings: Readings
}

type Plan = readonly [room: LocalRoom, planned: Planned]

/** The rooms of this process, by name; and the one transaction that commits for all that are due. */
export class Rooms {
  readonly #options: RoomsOptions
  readonly #store: SqliteStore
  readonly #rooms = new Map<string, LocalRoom>()
  readonly #chores: Chores
  readonly #slots = messageSlots()
  readonly #report: (error: unknown) => void
  #due: LocalRoom[] = []
  #committing: Promise<void> | undefined

  constructor(options: RoomsOptions) {
    this.#options = options
    const { file, sync, kept, tell, idle } = options
    this.#report = reporter(tell)
    const writer = { mark: markFrom(crypto.getRandomValues(new Uint8Array(3))), since: Date.now() }
    this.#store = new SqliteStore({ file, writer, tell, ...(sync && { sync }), ...(kept && { kept }) })
    this.#chores = new Chores(this.#store, {
      rooms: this.#rooms,
      get: (name) => this.get(name),
      report: this.#report,
      keeps: (name) => name === EVERYWHERE,
      tells: options.backend !== null,
      ...(idle !== undefined && { idle }),
    })
  }

  /** Why nothing can be written; undefined: it can. */
  get outage(): string | undefined {
    return this.#store.outage
  }

  /** What is there now. */
  look(): Look {
    const look = nothing()
    look.rooms = this.#rooms.size
    for (const room of this.#rooms.values()) room.lookInto(look)
    return look
  }

  /** @throws Refusal `storage` */
  get(name: string): LocalRoom {
    const known = this.#rooms.get(name)
    if (known !== undefined) return known
    const { limits, tell, readings, verify } = this.#options
    const isEverywhere = name === EVERYWHERE
    const backend = isEverywhere ? null : this.#options.backend
    try {
      const made = new LocalRoom({
        name,
        room: isEverywhere ? Room : this.#options.room,
        limits,
        backend,
        slots: this.#slots,
        tell,
        readings,
        verify,
        isRevoked: (by) => !isEverywhere && this.isRevoked(by),
        openLog: () => this.#store.log(name, backend?.tells(name)),
        due: (room) => this.#isDue(room),
        lost: (room) => {
          if (this.#rooms.get(name) !== room) return
          this.#rooms.delete(name)
          this.#chores.bringBack(name)
        },
      })
      this.#rooms.set(name, made)
      return made
    } catch (error) {
      this.#report(error)
      throw new Refusal('storage', 'The log cannot be read')
    }
  }

  list(query: RoomQuery): RoomList {
    const names = (after: string, limit: number) => this.#store.names(after, limit)
    const shows = (room: string) => room !== EVERYWHERE && query.shows(room)
    return list({ rooms: this.#rooms, names }, { ...query, shows })
  }

  /** Was it revoked in all rooms at once? */
  isRevoked(by: Identity): boolean {
    return this.get(EVERYWHERE).isRevoked(by)
  }

  async revoke(revocations: readonly Revocation[]): Promise<Reply> {
    const kept = this.get(EVERYWHERE).command({ type: 'revoke', revocations })
    // The others ask that one, whoever comes, and so have nothing to write, only somebody to send away.
    const look = { type: 'revoke', revocations: [] } as const
    await Promise.all([...this.#rooms.values()].filter((room) => room.connections > 0).map((r) => r.command(look)))
    return kept
  }

  /** Sends everyone away; who waits for an acknowledgement has it before, if the disk is not late. */
  async drain(late: Promise<void>): Promise<void> {
    await Promise.race([this.#flush(), late])
    const clients = [...this.#rooms.values()].reduce((sum, room) => sum + room.connections, 0)
    for (const room of this.#rooms.values()) room.drain(clients)
  }

  /** Tells the backend nothing more; what is not told yet is told by the next process. */
  async stopTelling(): Promise<void> {
    await Promise.all([...this.#rooms.values()].map((room) => room.stopTelling()))
  }

  async close(): Promise<void> {
    this.#chores.stop()
    await this.#flush()
    for (const room of this.#rooms.values()) room.close()
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
    // With nothing to do it would be over before it is known to have begun.
    if (this.#due.length > 0) this.#committing ??= this.#commitAll()
    return this.#committing ?? Promise.resolve()
  }

  async #commitAll(): Promise<void> {
    try {
      while (this.#due.length > 0) await this.#write(this.#due.splice(0).flatMap((room) => this.#planOf(room)))
    } catch (error) {
      this.#report(error)
    } finally {
      this.#committing = undefined
    }
  }

  #planOf(room: LocalRoom): Plan[] {
    try {
      return [[room, room.plan()]]
    } catch (error) {
      this.#report(error)
      room.failed(outageOf(error) ?? 'what it holds cannot be read')
      return []
    }
  }

  /** What goes wrong in one room must not keep the others of a commit from hearing of it. */
  #guard(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#report(error)
    }
  }

  async #write(plans: readonly Plan[]): Promise<void> {
    const writes = plans.flatMap(([, { writes }]) => writes)
    try {
      if (writes.length > 0) {
        const started = performance.now()
        await this.#store.write(writes)
        this.#options.readings.commit.observe(performance.now() - started)
      }
    } catch (error) {
      if (this.#store.outage === undefined) this.#report(error)
      // What one room cannot write must not keep the others from it.
      if (plans.length > 1 && outageOf(error) === undefined) for (const plan of plans) await this.#write([plan])
      else {
        const why = this.#store.outage ?? 'the database refuses it'
        for (const [room, plan] of plans) this.#guard(() => room.failed(why, plan))
      }
      return
    }
    for (const [room, planned] of plans) this.#guard(() => room.written(planned))
  }
}
