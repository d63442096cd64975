import type { LocalRoom } from './local-room.ts'
import type { SqliteStore } from './sqlite/store.ts'

/** How long a room with nobody in it stays in memory (ms). */
const IDLE = 30_000
/** How often there are chores (ms), and how many rooms have their turn: so few that nobody waits for it. */
const ROUND = 1000
const TURN = 50
/** Rooms brought back at a time after a start, and after how long the next (ms). */
const BIRTHS = 20
const BIRTH = 50

/** What no client asks for: silent rooms leave memory, old messages go, and who was here before a crash is given up. */
export class Chores {
  readonly #store: SqliteStore
  readonly #rooms: Map<string, LocalRoom>
  readonly #get: (name: string) => LocalRoom
  readonly #report: (error: unknown) => void
  readonly #idle: number
  readonly #round: NodeJS.Timeout
  #birth: NodeJS.Timeout | undefined
  /** Up to which room the log was looked through, and sessions. */
  #looked = 0
  #born = 0

  constructor(
    store: SqliteStore,
    rooms: Map<string, LocalRoom>,
    get: (name: string) => LocalRoom,
    report: (error: unknown) => void,
    idle = IDLE,
  ) {
    this.#store = store
    this.#rooms = rooms
    this.#get = get
    this.#report = report
    this.#idle = idle
    this.#round = setInterval(() => this.#do(() => this.#rounds()), Math.min(ROUND, idle))
    this.#round.unref()
    this.#bear()
  }

  stop(): void {
    clearInterval(this.#round)
    clearTimeout(this.#birth)
  }

  #rounds(): void {
    const since = Date.now() - this.#idle
    for (const [name, room] of this.#rooms) if (room.isIdle(since)) this.#rooms.delete(name)
    if (this.#store.outage === undefined) this.#prune()
  }

  /** Rooms that nobody writes to lose what is too old as well. */
  #prune(): void {
    const turn = this.#store.rooms(this.#looked, TURN)
    this.#looked = turn.length < TURN ? 0 : (turn.at(-1)?.room ?? 0)
    for (const { name } of turn) {
      const room = this.#rooms.get(name)
      if (room === undefined ? this.#isDue(name) : room.hasWork) this.#get(name).work()
    }
  }

  #isDue(name: string): boolean {
    const log = this.#store.log(name)
    log.load()
    return log.isDue(Date.now())
  }

  /** Rooms with sessions: whoever does not come back is gone when its grace is over, as if there had been no crash. */
  #bear(after = BIRTH): void {
    this.#birth = setTimeout(() => {
      this.#do(() => {
        if (this.#store.outage !== undefined) return this.#bear(ROUND)
        const turn = this.#store.inhabited(this.#born, BIRTHS)
        for (const { name } of turn) this.#get(name)
        this.#born = turn.at(-1)?.room ?? 0
        if (turn.length === BIRTHS) this.#bear()
      })
    }, after)
    this.#birth.unref()
  }

  #do(chore: () => void): void {
    try {
      chore()
    } catch (error) {
      this.#report(error)
    }
  }
}
