import type { LocalRoom } from './local-room.ts'
import type { SqliteStore } from './sqlite/store.ts'

/** How long a room with nobody in it stays in memory (ms). */
const IDLE = 30_000
/** With more rooms than this in memory it stays no longer than it must: else whoever asks for ever new names would fill it. */
const MANY = 10_000
/** How often there are chores (ms), and how many rooms have their turn: so few that nobody waits for it. */
const ROUND = 1000
const TURN = 50
/** Rooms brought back at a time after a start, and after how long the next (ms). */
const BIRTHS = 20
const BIRTH = 50

/** When a room is tried again whose log could not be read (ms). */
const AGAIN = 30_000

export interface Registry {
  readonly rooms: Map<string, LocalRoom>
  get(name: string): LocalRoom
  report(error: unknown): void
  /** Does it stay in memory whatever happens? */
  keeps(name: string): boolean
  /** Is anybody told of what happens? */
  readonly tells: boolean
  readonly idle?: number
}

/** What no client asks for: silent rooms leave memory, old messages go, and what a crash cut off is brought to its end. */
export class Chores {
  readonly #store: SqliteStore
  readonly #registry: Registry
  readonly #idle: number
  readonly #round: NodeJS.Timeout
  #birth: NodeJS.Timeout | undefined
  readonly #forsaken = new Set<NodeJS.Timeout>()
  /** Up to which room the log has been looked through. */
  #looked = 0

  constructor(store: SqliteStore, registry: Registry) {
    this.#store = store
    this.#registry = registry
    this.#idle = registry.idle ?? IDLE
    this.#round = setInterval(() => this.#do(() => this.#rounds()), Math.min(ROUND, this.#idle))
    this.#round.unref()
    this.#bear('inhabited')
  }

  /** One that was given up may have sessions to end and something to tell, and nobody who asks for it. */
  bringBack(name: string): void {
    const again = setTimeout(() => {
      this.#forsaken.delete(again)
      this.#do(() => this.#registry.get(name))
    }, AGAIN)
    this.#forsaken.add(again.unref())
  }

  stop(): void {
    for (const again of this.#forsaken) clearTimeout(again)
    clearInterval(this.#round)
    clearTimeout(this.#birth)
  }

  #rounds(): void {
    const { rooms, keeps } = this.#registry
    const since = Date.now() - (rooms.size > MANY ? 0 : this.#idle)
    for (const [name, room] of rooms) if (room.isIdle(since) && !keeps(name)) rooms.delete(name)
    if (this.#store.outage === undefined) this.#prune()
  }

  /** Rooms that nobody writes to lose what is too old as well. */
  #prune(): void {
    const turn = this.#store.rooms('stored', this.#looked, TURN)
    this.#looked = turn.length < TURN ? 0 : (turn.at(-1)?.room ?? 0)
    for (const { name } of turn) {
      const room = this.#registry.rooms.get(name)
      if (room === undefined ? this.#isDue(name) : room.hasWork) this.#registry.get(name).work()
    }
  }

  #isDue(name: string): boolean {
    const log = this.#store.log(name)
    log.load()
    return log.isDue(Date.now())
  }

  /**
   * Rooms with sessions: who does not come back is gone when the grace is over, as if there had been no crash.
   * Then those that were about to tell something.
   */
  #bear(which: 'inhabited' | 'telling', born = 0, after = BIRTH): void {
    this.#birth = setTimeout(() => {
      this.#do(() => {
        if (this.#store.outage !== undefined) return this.#bear(which, born, ROUND)
        const turn = this.#store.rooms(which, born, BIRTHS)
        for (const { name } of turn) this.#do(() => this.#registry.get(name))
        if (turn.length === BIRTHS) this.#bear(which, turn.at(-1)?.room)
        else if (which === 'inhabited' && this.#registry.tells) this.#bear('telling')
      })
    }, after)
    this.#birth.unref()
  }

  #do(chore: () => void): void {
    try {
      chore()
    } catch (error) {
      this.#registry.report(error)
    }
  }
}
