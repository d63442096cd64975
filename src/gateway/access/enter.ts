import type { Bearer, Gate } from '../../auth/gate.ts'
import type { Query } from '../parameters.ts'

/** Routes that hold a line. */
export const HELD = /\/(ws|poll|events)$/

/** Sessions are looked at, sent to and ended by those who manage the room. */
const SESSIONS = /^\/v1\/rooms\/[^/]+\/sessions(\/|$)/

/** Who sent a request, after all that can be told without its room was checked. @throws Refusal */
export async function enter(request: Request, path: string, query: Query, gate: Gate): Promise<Bearer> {
  gate.checkSource(request.headers)
  const isPoll = path.endsWith('/poll') && query('resume') !== undefined
  const bearer = await gate.admit(request.headers, query('token'), isPoll)
  if (bearer.isSession) return bearer
  for (const room of roomsOf(path, query)) {
    if (HELD.test(path)) bearer.demand(room, 'subscribe')
    else if (SESSIONS.test(path)) bearer.demand(room, 'manage')
  }
  return bearer
}

/** The rooms that a request names; whether it names them well is for its route to say. */
function roomsOf(path: string, query: Query): readonly string[] {
  const [, , kind, room] = path.split('/')
  if (kind === 'rooms') return [decoded(room ?? '')]
  return query('rooms')?.split(',') ?? []
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
