import { randomSecret, sessionId } from '../auth/secrets.ts'
import type { Hello } from '../room/ports.ts'
import { cursor, presence, type Query, resume, rewind } from './parameters.ts'

/** The session that a secret names, or a new one with the secret to tell (FOLLOW-1). @throws Refusal `bad_request` */
export function sessionOf(room: string, query: Query): Pick<Hello, 'session' | 'resume'> {
  const chosen = resume.read(query)
  if (chosen !== undefined) return { session: sessionId(room, chosen) }
  const made = randomSecret()
  return { session: sessionId(room, made), resume: made }
}

/** Where to start (FOLLOW-1). @throws Refusal `bad_cursor`, `bad_request` */
export function startOf(query: Query): Pick<Hello, 'cursor' | 'rewind'> {
  const from = cursor.read(query)
  const back = rewind.read(query)
  if (from !== undefined) return { cursor: from }
  return back === undefined ? {} : { rewind: back }
}

/** `presence=1`, or the rev that the client knows (PRES-1, PRES-4). @throws Refusal `bad_request` */
export function presenceOf(query: Query): Pick<Hello, 'presence'> {
  const known = presence.read(query)
  if (known === undefined || known === '0') return {}
  return { presence: known === '1' ? '' : known }
}
