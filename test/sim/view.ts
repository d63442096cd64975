import { type Present, Rev } from '../../src/protocol/presence.ts'
import type { Heard } from './decode.ts'

type Member = { session: string; user?: string; state?: unknown }

/** Who is here, as a client makes it out of what it hears (PRES-1, PRES-6). */
export class View {
  /** Undefined: only their number is told. */
  members: Map<string, Member> | undefined = new Map()
  count = 0
  rev = ''

  /** @throws Error if what it then knows is not what the event says that it knows */
  hear(event: Heard): void {
    const { action, session } = event as unknown as Member & { action: string }
    this.rev = event.rev as string
    if (action === 'count' || action === 'sync') this.count = event.count as number
    if (action === 'count') {
      this.members = undefined
      return
    }
    if (action === 'sync') {
      const members = event.members as Member[]
      this.members = members.length === this.count ? new Map(members.map((each) => [each.session, each])) : undefined
    } else if (this.members !== undefined) {
      if (action === 'leave') this.members.delete(session)
      else this.members.set(session, event as unknown as Member)
      this.count = this.members.size
    }
    if (this.members === undefined) return
    const rev = new Rev()
    for (const each of this.members.values()) rev.add(toPresent(each))
    if (rev.toString(true) !== this.rev) throw new Error(`knows ${rev} after ${JSON.stringify(event)}`)
  }
}

const toPresent = ({ session, user, state }: Member): Present => ({
  session,
  ...(user !== undefined && { user }),
  ...(state !== undefined && { state: JSON.stringify(state) }),
})
