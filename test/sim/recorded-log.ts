import { formatCursor } from '../../src/protocol/cursor.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { headPosition } from '../../src/room/extent.ts'
import type { Stored } from '../../src/room/log/log.ts'
import type { MemoryLog } from '../../src/room/log/memory.ts'
import type { Settled, Work } from '../../src/room/ports.ts'
import { Pages } from '../../src/room/reading.ts'
import type { Faults } from './faults.ts'

/** The log of a room: it fails where a fault is due, and keeps for the oracle all that it was given. */
export class RecordedLog {
  readonly #log: MemoryLog
  readonly #faults: Faults
  /** All that was ever committed, in the order of the feed. */
  readonly feed: Entry[] = []
  /** What of it was logged. */
  readonly logged: Entry[] = []

  constructor(log: MemoryLog, faults: Faults) {
    this.#log = log
    this.#faults = faults
  }

  load(): Stored {
    return this.#log.load()
  }

  knows(dedupeKey: string): boolean {
    return this.#log.knows(dedupeKey)
  }

  get head(): string {
    return formatCursor(headPosition(this.load().head))
  }

  /** The place before the oldest message that is kept. */
  get floor(): string {
    return formatCursor(this.load().head.floor)
  }

  /** @throws before or after it has written */
  write(works: readonly Work[], now: number): Settled {
    this.#faults.hit('commit')
    const from = this.feed.length
    const settled = this.append(works, now)
    this.#faults.hit('answer')
    // With what is not logged, which leaves now or never.
    this.feed.splice(from, this.feed.length - from, ...settled.entries)
    return settled
  }

  /** Written, and nobody lives to say so. */
  append(works: readonly Work[], now: number): Settled {
    const settled = this.#log.append(works, now)
    const logged = settled.entries.filter(({ position }) => position !== null)
    this.logged.push(...logged)
    this.feed.push(...logged)
    return settled
  }

  newPages(): Pages {
    return new Pages({
      read: (scan) => {
        this.#faults.hit('read')
        return this.#log.read(scan)
      },
    })
  }
}
