import { formatCursor, type Position } from '../protocol/cursor.ts'
import type { Entry } from '../protocol/entry.ts'
import { cursorEvent, type Item } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'

/** FOLLOW-8: who sees nothing of a busy room still hears how far it has come. */
export class Progress {
  #invisible = 0

  /** What those hear whom nothing in the chunk names. */
  after(chunk: readonly Entry[], through: Position): readonly Item[] {
    for (const entry of chunk) {
      if (entry.position === null) continue
      this.#invisible = entry.audience?.to === undefined ? 0 : this.#invisible + 1
    }
    if (this.#invisible < LIMITS.invisible) return []
    this.#invisible = 0
    return [cursorEvent(formatCursor(through))]
  }
}
