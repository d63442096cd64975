import type { Draft, Entry } from '../protocol/entry.ts'
import type { Item } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import {
  changeJson,
  type PresenceChange,
  type PresenceList,
  type Present,
  Rev,
  saysRev,
  syncEvent,
} from '../protocol/presence.ts'
import type { Held } from './sessions.ts'

/**
 * Who is here. Changes become drafts, so that they leave in the order of the feed. In a large room a change tells only
 * how many are here, once per commit however many came: else their coming would cost the square of their number.
 */
export class Presence {
  readonly #limit: number
  readonly #present = new Map<string, Held>()
  readonly #rev = new Rev()
  #isLarge = false
  /** A count is on its way. */
  #counting = false

  constructor(limit: number, held: Iterable<Held>) {
    this.#limit = limit
    for (const each of held) if (each.presence !== undefined) this.#add(each)
    // Whether it was large before a sleep is not known between the two bounds; told a count, nobody keeps a stale list.
    this.#isLarge = !this.#isSmall
  }

  get isEmpty(): boolean {
    return this.#present.size === 0
  }

  get rev(): string {
    return this.#rev.toString()
  }

  sync(): Item {
    return syncEvent(this.list())
  }

  list(): PresenceList {
    const shown = this.#present.size > this.#limit ? LIMITS.presenceSample : this.#limit
    const members: Present[] = []
    for (const held of this.#present.values()) {
      if (members.length >= shown) break
      members.push(toPresent(held))
    }
    return { count: this.#present.size, members, rev: this.rev }
  }

  /** The session is here from now on; nothing if it was. */
  join(held: Held, state?: string): readonly Draft[] {
    if (held.presence !== undefined) return []
    held.presence = state === undefined ? {} : { state }
    this.#add(held)
    return this.#tell({ action: 'join', ...toPresent(held) })
  }

  /** The session's state is another: `null` for none. */
  update(held: Held, state: string | null): readonly Draft[] {
    const isNew = held.presence === undefined
    if (!isNew) this.#rev.remove(toPresent(held))
    held.presence = state === null ? {} : { state }
    this.#add(held)
    return this.#tell({ action: isNew ? 'join' : 'update', ...toPresent(held) })
  }

  leave(held: Held): readonly Draft[] {
    if (held.presence === undefined) return []
    this.#present.delete(held.session.id)
    this.#rev.remove(toPresent(held))
    return this.#tell({ action: 'leave', session: held.session.id })
  }

  /** A count has left; another, if more has changed since it was made. */
  settled(entries: readonly Entry[]): readonly Draft[] {
    const last = entries.findLast(({ type }) => type === 'presence')
    if (last === undefined) return []
    this.#counting = false
    return this.#isLarge && !saysRev(last.json, this.rev) ? this.#count() : []
  }

  get #isSmall(): boolean {
    return this.#present.size < this.#limit * 0.8
  }

  #add(held: Held): void {
    this.#present.set(held.session.id, held)
    this.#rev.add(toPresent(held))
  }

  #tell(change: PresenceChange): readonly Draft[] {
    const { size } = this.#present
    if (this.#isLarge && this.#isSmall) {
      // Small again: everyone hears who it is that is here.
      this.#isLarge = false
      return [{ presence: this.sync() }]
    }
    this.#isLarge ||= size > this.#limit
    return this.#isLarge ? this.#count() : [{ presence: { json: changeJson(change, this.rev) } }]
  }

  #count(): readonly Draft[] {
    if (this.#counting) return []
    this.#counting = true
    return [{ presence: { json: changeJson({ action: 'count', count: this.#present.size }, this.rev) } }]
  }
}

const toPresent = ({ session: { id, user }, presence }: Held): Present => ({
  session: id,
  ...(user !== undefined && { user }),
  ...(presence?.state !== undefined && { state: presence.state }),
})
