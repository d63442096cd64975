import type { Member, PresenceEvent } from './transports/wire.ts'

/** Who is here, as far as it was told: in a large room a sample (PRES-6). */
export class Members {
  readonly #members = new Map<string, Member>()
  #count = 0
  #rev = '1'

  get all(): ReadonlyMap<string, Member> {
    return this.#members
  }

  get count(): number {
    return this.#count
  }

  /** What to come back with: who knows this rev hears nothing of what it knows (PRES-4). */
  get rev(): string {
    return this.#rev
  }

  heard(event: PresenceEvent): void {
    this.#rev = event.rev
    if (event.action === 'sync') {
      this.#members.clear()
      for (const member of event.members) this.#members.set(member.session, member)
    } else if (event.action === 'leave') this.#members.delete(event.session)
    else if (event.action !== 'count') this.#members.set(event.session, event)
    this.#count = 'count' in event ? event.count : this.#members.size
  }
}
