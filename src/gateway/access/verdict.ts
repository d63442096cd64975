import type { Bearer, Gate } from '../../auth/gate.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { Verdict } from '../../room/ports.ts'

/** What a token that came in-band lets its bearer do in a room. */
export async function verdictOf(
  gate: Gate,
  isRevoked: (bearer: Bearer) => boolean,
  room: string,
  token: string,
): Promise<Verdict> {
  try {
    const bearer = await gate.verify(token)
    if (isRevoked(bearer)) return { error: 'revoked', message: 'The token was revoked' }
    const pass = bearer.pass(room)
    return { ...(bearer.user !== undefined && { user: bearer.user }), ...(pass !== undefined && { pass }) }
  } catch (error) {
    if (error instanceof Refusal) return { error: error.code, message: error.message }
    throw error
  }
}
