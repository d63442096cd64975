import type { Draft, Entry } from '../protocol/entry.ts'
import type { Item } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import {
  changeJson,
  type PresenceChange,
  type PresenceList,
  type Present,
  Rev,
  syncEvent,
} from '../protocol/presence.ts'
import { IN_STEP } from './ports.ts'
import type { Held } from './sessions.ts'

/** Who is here, by session; null in a change: no longer. */
interface Roster {
  readonly members: Map<string, Present>
  readonly rev: Rev
}

type Step = readonly [session: string, present: Present | null]

/**
 * Who is here. Changes become drafts, so that they leave in the order of the feed. In a large room a change tells only
 * how many are here, once per commit however many came: else their coming would cost the square of their number.
 *
 * It is known twice: as it was decided, and as far as it has been told. Whoever is given a list is given what has been
 * told, or the changes that are on their way would lead from it to something else; and a commit that fails takes back
 * nothing that anybody has heard.
 */
export class Presence {
  readonly #limit: number
  readonly #decided: Roster = { members: new Map(), rev: new Rev() }
  readonly #told: Roster = { members: new Map(), rev: new Rev() }
  /** What each draft on its way will have told. */
  readonly #onTheirWay: Step[][] = []
  /** What the next draft will tell of: in a large room one waits until the last count has left. */
  #untold: Step[] = []
  #isLarge = false
  #sync: Item | undefined
  /** A count is on its way. */
  #counting = false

  constructor(limit: number, held: Iterable<Held>) {
    this.#limit = limit
    for (const { session, presence } of held) {
      if (presence === undefined) continue
      const step: Step = [session.id, toPresent(session, presence)]
      apply(this.#decided, step)
      apply(this.#told, step)
    }
    // Whether it was large before a sleep is not known between the two bounds; told a count, nobody keeps a stale list.
    this.#isLarge = !this.#isSmall
  }

  get isEmpty(): boolean {
    return this.#decided.members.size === 0
  }

  /** Of what has been told, as those know it who hear of every change. */
  get rev(): string {
    return this.#told.rev.toString(!this.#isLarge)
  }

  /** Is there anything to tell a connection that knows this much? Absent: it wants to hear nothing. */
  isNews(known: string | undefined): boolean {
    return known !== undefined && known !== IN_STEP && !this.#isToldBy(known)
  }

  /** Has it been told that this session is here? */
  hasTold(session: string): boolean {
    return this.#told.members.has(session)
  }

  /** Who is here as far as it has been told. */
  list(): PresenceList {
    return this.#listOf(this.#told)
  }

  /** Made once however many ask: all who come in with one commit are told the same. */
  sync(): Item {
    this.#sync ??= syncEvent(this.list())
    return this.#sync
  }

  /** The session is here from now on; nothing if it was. */
  join(held: Held, state?: string): readonly Draft[] {
    if (held.presence !== undefined) return []
    held.presence = state === undefined ? {} : { state }
    return this.#change('join', held)
  }

  /** The session's state is another: `null` for none. */
  update(held: Held, state: string | null): readonly Draft[] {
    const action = held.presence === undefined ? 'join' : 'update'
    held.presence = state === null ? {} : { state }
    return this.#change(action, held)
  }

  leave(held: Held): readonly Draft[] {
    if (held.presence === undefined) return []
    const { id } = held.session
    this.#decide([id, null])
    return this.#tell({ action: 'leave', session: id })
  }

  /** These have left with the feed. What is to follow: another count, if more has changed since the last was made. */
  settled(entries: readonly Entry[]): readonly Draft[] {
    const changes = entries.filter(({ type }) => type === 'presence')
    if (changes.length === 0) return []
    // A room that was born again meanwhile knows them already, from its rows.
    for (const step of this.#onTheirWay.splice(0, changes.length).flat()) apply(this.#told, step)
    this.#sync = undefined
    this.#counting = false
    const isTold = this.#decided.rev.equals(this.#told.rev)
    return this.#isLarge && this.#untold.length > 0 && !isTold ? this.#count() : []
  }

  /** Is that what has been told? Who knows only how many are here lacks who they are, where each is named (PRES-6). */
  #isToldBy(rev: string): boolean {
    const { rev: told } = this.#told
    return rev === told.toString(true) || (this.#isLarge && rev === told.toString(false))
  }

  get #isSmall(): boolean {
    return this.#decided.members.size < this.#limit * 0.8
  }

  #change(action: 'join' | 'update', { session, presence = {} }: Held): readonly Draft[] {
    const present = toPresent(session, presence)
    this.#decide([session.id, present])
    return this.#tell({ action, ...present })
  }

  #decide(step: Step): void {
    apply(this.#decided, step)
    this.#untold.push(step)
  }

  #tell(change: PresenceChange): readonly Draft[] {
    const { size } = this.#decided.members
    if (this.#isLarge && this.#isSmall) {
      // Small again: everyone hears who it is that is here.
      this.#isLarge = false
      return this.#draft(syncEvent(this.#listOf(this.#decided)).json)
    }
    this.#isLarge ||= size > this.#limit
    return this.#isLarge ? this.#count() : this.#draft(changeJson(change, this.#decided.rev.toString(true)))
  }

  #count(): readonly Draft[] {
    if (this.#counting) return []
    this.#counting = true
    const { members, rev } = this.#decided
    return this.#draft(changeJson({ action: 'count', count: members.size }, rev.toString(false)))
  }

  #draft(json: string): readonly Draft[] {
    this.#onTheirWay.push(this.#untold)
    this.#untold = []
    return [{ presence: { json } }]
  }

  #listOf({ members, rev }: Roster): PresenceList {
    const most = members.size > this.#limit ? LIMITS.presenceSample : this.#limit
    const shown: Present[] = []
    for (const each of members.values()) {
      if (shown.length >= most) break
      shown.push(each)
    }
    return { count: members.size, members: shown, rev: rev.toString(shown.length === members.size) }
  }
}

function apply({ members, rev }: Roster, [session, present]: Step): void {
  const before = members.get(session)
  if (before !== undefined) rev.remove(before)
  if (present === null) members.delete(session)
  else {
    members.set(session, present)
    rev.add(present)
  }
}

const toPresent = ({ id, user }: Held['session'], { state }: NonNullable<Held['presence']>): Present => ({
  session: id,
  ...(user !== undefined && { user }),
  ...(state !== undefined && { state }),
})
