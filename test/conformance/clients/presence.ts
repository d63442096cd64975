import { expect } from 'vitest'
import type { Member, ServerEvent } from './events.ts'
import { type Answer, call, type Query, url } from './http.ts'

export interface Presence {
  count: number
  members: Member[]
  rev: string
}

/** `GET …/presence` (PRES-5). */
export async function whoIsHere(base: string, room: string): Promise<Presence> {
  const { http, text } = await call(url(base, room, '/presence'))
  if (http !== 200) throw new Error(`presence was answered ${http} ${text}`)
  return JSON.parse(text) as Presence
}

/** `PUT …/presence` (PRES-2); `body` is the text of the body. */
export function putPresence(base: string, room: string, resume: string | undefined, body: string): Promise<Answer> {
  return call(url(base, room, '/presence', { resume }), { method: 'PUT', body })
}

export interface SessionInfo extends Member {
  present: boolean
  connections: string[]
  attached: { kind: string; since: number; queue: number; lag: number }[]
  endsAt?: number
}

export interface SessionPage {
  sessions: SessionInfo[]
  next: string | null
}

/** `GET …/sessions` (SES-5). */
export async function sessionPage(base: string, room: string, query: Query = {}): Promise<SessionPage> {
  const { http, text } = await call(url(base, room, '/sessions', query))
  if (http !== 200) throw new Error(`sessions were answered ${http} ${text}`)
  return JSON.parse(text) as SessionPage
}

/** `GET …/sessions/:id`; undefined: there is none. */
export async function sessionInfo(base: string, room: string, id: string): Promise<SessionInfo | undefined> {
  const { http, text, code } = await call(url(base, room, `/sessions/${encodeURIComponent(id)}`))
  if (http === 404 && code === 'not_found') return undefined
  if (http !== 200) throw new Error(`a session was answered ${http} ${text}`)
  return JSON.parse(text) as SessionInfo
}

/** `DELETE …/sessions/:id` (SES-6). */
export const endSession = (base: string, room: string, id: string | undefined): Promise<Answer> =>
  call(url(base, room, `/sessions/${id}`), { method: 'DELETE' })

/** What a client knows of who is here, folded from the events that it heard. */
export class Roster {
  /** Undefined where only the count is known (PRES-6). */
  members: Map<string, Member> | undefined
  count = 0
  rev = ''

  hear(event: ServerEvent): void {
    const { action, session = '', user, state, members = [], rev } = event
    if (action === 'sync') {
      this.count = event.count ?? Number.NaN
      this.members = members.length < this.count ? undefined : new Map(members.map((each) => [each.session, each]))
    } else if (action === 'count') {
      this.count = event.count ?? Number.NaN
      this.members = undefined
    } else if (action === 'leave') {
      this.members?.delete(session)
    } else {
      const member = { session, ...(user !== undefined && { user }), ...(state !== undefined && { state }) }
      this.members?.set(session, member)
    }
    if (this.members !== undefined) this.count = this.members.size
    this.rev = `${rev}`
  }

  agrees(here: Presence): boolean {
    try {
      this.expectToBe(here)
      return true
    } catch {
      return false
    }
  }

  /** Does it agree with what the room itself says? */
  expectToBe({ count, members, rev }: Presence): void {
    expect([this.count, unmarked(this.rev)]).toEqual([count, unmarked(rev)])
    if (this.members === undefined) return
    expect([...this.members.values()].sort(bySession)).toEqual([...members].sort(bySession))
  }
}

/** A rev without what tells whether its members are named (PRES-6): of one list both may be known. */
const unmarked = (rev: string): string => rev.slice(1)

export const bySession = (a: Member, b: Member): number => (a.session < b.session ? -1 : 1)
