import { parseCursor } from '../../protocol/cursor.ts'
import { fingerprint } from '../../protocol/entry.ts'
import { Refusal } from '../../protocol/errors.ts'

/**
 * Where a client stands in each of its rooms (MULTI-3): the cursors in the order of the list, joined by `.`, behind a
 * mark of the list. A client that has the cursors apart may join them itself, without the mark. An empty one is not known.
 */
export class Vector {
  readonly #mark: string
  readonly #cursors = new Map<string, string>()

  /** @throws Refusal `bad_cursor` */
  constructor(rooms: readonly string[], text?: string) {
    this.#mark = fingerprint(rooms.join(',')).toString(36)
    const given = text === undefined ? [] : this.#read(text, rooms.length)
    for (const [i, room] of rooms.entries()) this.#cursors.set(room, given[i] ?? '')
  }

  get(room: string): string | undefined {
    return this.#cursors.get(room) || undefined
  }

  move(room: string, cursor: string): void {
    this.#cursors.set(room, cursor)
  }

  toString(): string {
    return `${this.#mark}.${[...this.#cursors.values()].join('.')}`
  }

  #read(text: string, count: number): readonly string[] {
    const parts = text.split('.')
    if (parts.length === count + 1 && parts.shift() !== this.#mark) throw misfit()
    if (parts.length !== count || text === '') throw misfit()
    for (const part of parts) if (part !== '') parseCursor(part)
    return parts
  }
}

const misfit = (): Refusal =>
  new Refusal('bad_cursor', 'A cursor of several rooms must be one that this gateway gave for the same `rooms`')
