import { randomSecret, sessionId } from '../auth/secrets.ts'
import { parseCursor } from '../protocol/cursor.ts'
import { Refusal } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import { isName } from '../protocol/names.ts'
import type { Hello } from '../room/ports.ts'

/** The query of a request; of a name that stands more than once, the first counts. */
export type Query = (name: string) => string | undefined

const WHOLE = /^\d{1,9}$/

/** @throws Refusal `bad_request` */
export function wholeNumber(query: Query, name: string, min: number, max: number): number | undefined {
  const text = query(name)
  if (text === undefined) return undefined
  const value = WHOLE.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new Refusal('bad_request', `\`${name}\` must be a whole number from ${min} to ${max}`)
  }
  return value
}

/** Where more than the most is no mistake, but as much as there is. @throws Refusal `bad_request` */
export function atMost(query: Query, name: string, most: number): number | undefined {
  const value = wholeNumber(query, name, 0, 999_999_999)
  return value === undefined ? undefined : Math.min(value, most)
}

/** @throws Refusal `bad_cursor` */
export function cursorOf(text: string | undefined): string | undefined {
  if (text !== undefined) parseCursor(text)
  return text
}

/** @throws Refusal `bad_request` */
export function resumeSecret(query: Query): string | undefined {
  const secret = query('resume')
  if (secret !== undefined && !isName('secret', secret)) {
    throw new Refusal('bad_request', '`resume` must be 22 to 128 of A-Z a-z 0-9 _ -')
  }
  return secret
}

/** The session that a secret names, or a new one with the secret to tell (FOLLOW-1). */
export async function sessionOf(room: string, query: Query): Promise<Pick<Hello, 'session' | 'resume'>> {
  const chosen = resumeSecret(query)
  if (chosen !== undefined) return { session: await sessionId(room, chosen) }
  const resume = randomSecret()
  return { session: await sessionId(room, resume), resume }
}

/** Where to start (FOLLOW-1). @throws Refusal `bad_cursor`, `bad_request` */
export function startOf(query: Query): Pick<Hello, 'cursor' | 'rewind'> {
  const cursor = cursorOf(query('cursor'))
  const rewind = atMost(query, 'rewind', LIMITS.rewind)
  if (cursor !== undefined) return { cursor }
  return rewind === undefined ? {} : { rewind }
}

const REV = /^r[0-9a-z]{1,11}$/

/** `presence=1`, or the rev that the client knows (PRES-1, PRES-4). @throws Refusal `bad_request` */
export function presenceOf(query: Query): Pick<Hello, 'presence'> {
  const presence = query('presence')
  if (presence === undefined || presence === '0') return {}
  if (presence === '1') return { presence: '' }
  if (REV.test(presence)) return { presence }
  throw new Refusal('bad_request', '`presence` must be 1, or the rev that you know')
}
