import type { Member, PresenceEvent } from './transports/wire.ts'

/** Who is here, as far as it was told: in a large room a sample (PRES-6). */
export class Members {
  readonly all = new Map<string, Member>()
  count = 0
  /** What to come back with: who knows this rev hears nothing of what it knows (PRES-4). */
  rev = '1'

  heard(event: PresenceEvent): void {
    this.rev = event.rev
    if (event.action === 'sync') {
      this.all.clear()
      for (const member of event.members) this.all.set(member.session, member)
    } else if (event.action === 'leave') this.all.delete(event.session)
    else if (event.action !== 'count') this.all.set(event.session, event)
    this.count = 'count' in event ? event.count : this.all.size
  }
}
