import { utf8Length } from '../protocol/data.ts'
import type { Draft } from '../protocol/entry.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Told, WebhookEvent } from '../protocol/webhook.ts'
import { attachedOf } from './attached.ts'
import type { SessionInfo } from './info.ts'
import type { Birth, Change, Connection, Head, Outcome, ReplyTo, RoomHost } from './ports.ts'
import { Presence } from './presence.ts'
import { type Held, rowOf, type Session, Sessions } from './sessions.ts'
import { BUSY, isBusy } from './submissions.ts'

/** What happens with a session, to be committed as one with what the application does about it. */
export interface Happening {
  readonly drafts: readonly Draft[]
  readonly change?: Change
  readonly replyTo?: ReplyTo
}

/** What the room does when a session begins or ends, or something of it is to be written. */
export interface Stage {
  opened(session: Session, happening: Happening): void
  ended(session: Session, happening: Happening): void
  commit(happening: Happening): void
  /** When the next session that is worth an alarm ends (ms). */
  wakeAt(time: number | null): void
  /** Do sessions mean anything to the application? Then each is worth a row. */
  readonly keepsSessions: boolean
}

/** The sessions of a room through their lives: begun, present, between two connections, ended. */
export class Participants {
  readonly presence: Presence
  readonly #host: RoomHost
  readonly #stage: Stage
  readonly #sessions: Sessions
  /** What a backend hears of. */
  readonly #tells: ReadonlySet<WebhookEvent>
  readonly #keepsSessions: boolean
  /** Bytes. */
  readonly #mostState: number

  constructor(host: RoomHost, birth: Birth, stage: Stage) {
    this.#host = host
    this.#stage = stage
    this.#mostState = birth.limits.presenceState
    this.#tells = new Set(birth.tells)
    // What begins must be known to end, also after the death of the process.
    this.#keepsSessions = stage.keepsSessions || [...this.#tells].some((type) => /^(session|room)\./.test(type))
    const rows = birth.sessions.filter(({ kept }) => kept === undefined)
    this.#sessions = new Sessions(rows, LIMITS.grace, host.now())
    this.presence = new Presence(birth.limits.presence, this.#sessions.values())
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Takes a connection in; the one to be closed for it, if its session has too many. False: it is another user's. */
  enter(connection: Connection, session: Session, state?: string): { replaces?: Connection } | false {
    const attached = this.#sessions.attach(connection, session)
    if (!attached) return false
    const { held, isNew, stale } = attached
    const joins = connection.attachment.presence !== undefined && held.presence === undefined
    if (isNew || stale || joins) this.#came(held, isNew, joins, state)
    if (held.connections.length <= LIMITS.connectionsPerSession) return {}
    const [oldest] = held.connections
    return oldest === undefined ? {} : { replaces: oldest }
  }

  /** What of it is to be written and told: nothing, where a session that is here has another connection. */
  #came(held: Held, isNew: boolean, joins: boolean, state?: string): void {
    const drafts = joins ? this.presence.join(held, state) : []
    const writes = this.#isKept(held)
    const told = [
      ...(isNew && this.#sessions.size === 1 ? this.#tell('room.occupied') : []),
      ...(isNew ? this.#tell('session.open', held) : []),
      ...(joins ? this.#tell('presence.join', held) : []),
    ]
    const happening = { drafts, ...(writes && { change: { put: [rowOf(held)], told } }) }
    if (isNew) this.#stage.opened(held.session, happening)
    else if (writes) this.#stage.commit(happening)
  }

  /** A connection has gone. A poll is back in a moment: its session's end is written only if the alarm finds it away. */
  leave(connection: Connection): void {
    const { session, kind } = connection.attachment
    const wasLast = this.#sessions.detach(connection, session, this.#host.now())
    if (wasLast && kind !== 'poll') this.#storeEnds()
    this.schedule()
  }

  /** The session's presence state is another from now on, null: none; or why it is not. */
  setState(id: string, state: string | null, replyTo: ReplyTo): Outcome | undefined {
    if (isBusy(this.#host)) return BUSY
    const size = utf8Length(state ?? '')
    if (size > this.#mostState) {
      const message = `A presence state is at most ${this.#mostState} bytes; this one has ${size}`
      return { error: 'too_large', message }
    }
    const held = this.#sessions.get(id)
    if (held === undefined) return { error: 'not_found', message: 'Only a session that is here has a presence' }
    const joins = held.presence === undefined
    const drafts = this.presence.update(held, state)
    const told = joins ? this.#tell('presence.join', held) : []
    this.#stage.commit({ drafts, change: { put: [rowOf(held, this.#storedEnd(held))], told }, replyTo })
    // Between two polls: now its end matters to others.
    if (held.connections.length === 0) this.schedule()
    return undefined
  }

  /** Does the session belong to another user? */
  isOthers(id: string, user: string | undefined): boolean {
    const held = this.#sessions.get(id)
    return held !== undefined && held.session.user !== user
  }

  has(id: string): boolean {
    return this.#sessions.get(id) !== undefined
  }

  /** Ends a session at once; its connections, to be closed. */
  disconnect(id: string): readonly Connection[] {
    const held = this.#sessions.end(id)
    if (held === undefined) return []
    this.#end(held, true)
    return [...held.connections]
  }

  /** Ends the sessions whose grace is over. */
  expire(): void {
    const over = this.#sessions.expire(this.#host.now())
    for (const held of over) this.#end(held, held === over.at(-1))
  }

  /** The alarm: without its writing down who is still away, a room that sleeps would give them the whole grace anew. */
  wake(): void {
    this.expire()
    this.#storeEnds()
    this.schedule()
  }

  /** Asks for the alarm when the next session that is worth one ends. */
  schedule(): void {
    if (!this.#keepsSessions && this.presence.isEmpty) {
      // Not just left as it was: a time that has come would come again at once, and for ever.
      this.#stage.wakeAt(null)
      return
    }
    this.#stage.wakeAt(this.#sessions.nextEnding((held) => this.#isKept(held))?.endsAt ?? null)
  }

  list(after: string, limit: number, head: Head): { sessions: SessionInfo[]; next: string | null } {
    const ids = [...this.#sessions.values()].map(({ session }) => session.id).filter((id) => id > after)
    const page = ids.sort().slice(0, limit)
    return {
      sessions: page.map((id) => this.describe(id, head) as SessionInfo),
      next: ids.length > limit ? (page.at(-1) ?? null) : null,
    }
  }

  describe(id: string, head: Head): SessionInfo | undefined {
    const held = this.#sessions.get(id)
    if (held === undefined) return undefined
    const { session, connections, presence } = held
    const endsAt = this.#sessions.endOf(id)
    return {
      session: id,
      ...(session.user !== undefined && { user: session.user }),
      ...(presence?.state !== undefined && { state: presence.state }),
      present: presence !== undefined,
      connections: connections.map(({ attachment }) => attachment.kind),
      attached: connections.map((connection) => attachedOf(connection, head)),
      ...(endsAt !== undefined && { endsAt }),
    }
  }

  #isKept(held: Held): boolean {
    return this.#keepsSessions || held.presence !== undefined
  }

  #end(held: Held, isLast: boolean): void {
    const told = [
      ...(held.presence === undefined ? [] : this.#tell('presence.leave', held)),
      ...this.#tell('session.close', held),
      ...(isLast && this.#sessions.size === 0 ? this.#tell('room.vacated') : []),
    ]
    const change = this.#isKept(held) ? { change: { drop: [held.session.id], told } } : {}
    this.#stage.ended(held.session, { drafts: this.presence.leave(held), ...change })
  }

  #tell(type: WebhookEvent, held?: Held): Told[] {
    if (!this.#tells.has(type)) return []
    if (held === undefined) return [{ type, members: '' }]
    const { session, presence } = held
    const user = session.user === undefined ? '' : `,"user":${JSON.stringify(session.user)}`
    const state = type === 'presence.join' && presence?.state !== undefined ? `,"state":${presence.state}` : ''
    return [{ type, subject: session.id, members: `"session":"${session.id}"${user}${state}` }]
  }

  #storedEnd(held: Held): number | undefined {
    return held.endIsStored ? this.#sessions.endOf(held.session.id) : undefined
  }

  #storeEnds(): void {
    const put = []
    for (const held of this.#sessions.newlyEnding()) {
      if (!this.#isKept(held)) continue
      held.endIsStored = true
      put.push(rowOf(held, held.endsAt))
    }
    if (put.length > 0) this.#stage.commit({ drafts: [], change: { put } })
  }
}
