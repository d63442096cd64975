import type { Doorkeeper } from './doorkeeper.ts'
import type { RoomHost } from './ports.ts'

/** The room's one alarm, for the next end of a session or of a token, whichever comes first. */
export class WakeUp {
  readonly #host: RoomHost
  readonly #doorkeeper: Doorkeeper
  #sessionEnd: number | null = null

  constructor(host: RoomHost, doorkeeper: Doorkeeper) {
    this.#host = host
    this.#doorkeeper = doorkeeper
  }

  /** When the next session ends (ms); null: none that is worth an alarm. */
  forSession(time: number | null): void {
    this.#sessionEnd = time
    this.schedule()
  }

  /** The doorkeeper may know of another end. */
  schedule(): void {
    const time = Math.min(this.#sessionEnd ?? NEVER, this.#doorkeeper.nextEnd ?? NEVER)
    this.#host.wakeAt(time === NEVER ? null : time)
  }
}

const NEVER = Number.POSITIVE_INFINITY
