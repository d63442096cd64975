import { LIMITS } from '../protocol/limits.ts'
import type { Member } from './members.ts'
import type { RoomHost } from './ports.ts'
import type { Tally } from './tally.ts'

interface Seen {
  /** Since when it has read nothing (ms). */
  readonly since: number
  /** What it took when it was last looked at: more than that now, and it has read. */
  readonly credit: number
}

/** Those who are behind because they do not read. */
export class Stuck {
  readonly #seen = new Map<Member, Seen>()
  readonly #host: Pick<RoomHost, 'now'>
  readonly #tally: Tally

  constructor(host: Pick<RoomHost, 'now'>, tally: Tally) {
    this.#host = host
    this.#tally = tally
  }

  get size(): number {
    return this.#seen.size
  }

  get members(): Iterable<Member> {
    return this.#seen.keys()
  }

  has(member: Member): boolean {
    return this.#seen.has(member)
  }

  add(member: Member): void {
    if (this.#seen.has(member)) return
    this.#seen.set(member, { since: this.#host.now(), credit: member.connection.credit() })
    this.#tally.fellBehind++
  }

  delete(member: Member): void {
    this.#seen.delete(member)
  }

  /** FAN-4: has it read nothing for too long? */
  isLost(member: Member, now: number): boolean {
    const before = this.#seen.get(member)
    if (before === undefined) return false
    const credit = member.connection.credit()
    const since = credit > before.credit ? now : before.since
    this.#seen.set(member, { since, credit })
    return now - since > LIMITS.patience
  }
}
