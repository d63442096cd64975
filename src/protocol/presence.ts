import { fingerprint } from './entry.ts'
import type { Item } from './events.ts'

/** One session that is present, as others are told of it. */
export interface Present {
  readonly session: string
  readonly user?: string
  /** JSON text of its state, as it came (DATA-1). */
  readonly state?: string
}

/** What changes in who is here. Everyone who asked for presence hears it, in the order of the feed. */
export type PresenceChange =
  | ({ readonly action: 'join' | 'update' | 'leave' } & Present)
  | { readonly action: 'count'; readonly count: number }

/** Who is here: all of them, or in a large room a sample (PRES-6). */
export interface PresenceList {
  readonly count: number
  readonly members: readonly Present[]
  readonly rev: string
}

const member = ({ session, user, state }: Present): string => {
  const named = user === undefined ? '' : `,"user":${JSON.stringify(user)}`
  return `"session":"${session}"${named}${state === undefined ? '' : `,"state":${state}`}`
}

export function changeJson(change: PresenceChange, rev: string): string {
  const what = change.action === 'count' ? `"count":${change.count}` : member(change)
  return `{"type":"presence","action":"${change.action}",${what},"rev":"${rev}"}`
}

export const listJson = ({ count, members, rev }: PresenceList, head = '{'): string =>
  `${head}"count":${count},"members":[${members.map((each) => `{${member(each)}}`).join(',')}],"rev":"${rev}"}`

export const syncEvent = (list: PresenceList): Item => ({
  type: 'presence',
  json: listJson(list, '{"type":"presence","action":"sync",'),
})

/** Room for one more without rounding: sums of two stay below 2^53. */
const MODULUS = 2 ** 52

/**
 * A commutative hash over all who are present, with their states: the order in which they came does not matter, so it
 * can be made anew from the rows after a sleep; and who is here again as before has the same again (PRES-4).
 */
export class Rev {
  #sum = 0

  add(present: Present): void {
    this.#sum = (this.#sum + hash(present)) % MODULUS
  }

  remove(present: Present): void {
    this.#sum = (this.#sum - hash(present) + MODULUS) % MODULUS
  }

  equals(other: Rev): boolean {
    return this.#sum === other.#sum
  }

  /** For who knows each of them, or else only how many they are. */
  toString(isNamed: boolean): string {
    return `${isNamed ? 'r' : 'c'}${this.#sum.toString(36)}`
  }
}

const hash = (present: Present): number => fingerprint(member(present)) % MODULUS
