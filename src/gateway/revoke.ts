import type { Bearer } from '../auth/gate.ts'
import { TOLERANCE } from '../auth/tokens.ts'
import { Refusal } from '../protocol/errors.ts'
import { parseJson } from '../protocol/json.ts'
import { roomName } from '../protocol/names.ts'
import { room } from '../protocol/operations.ts'
import { needing, object, text } from '../protocol/schema.ts'
import type { Revocation } from '../room/ports.ts'
import { decodeText, readBody } from './body.ts'
import type { Runtime } from './ports.ts'
import { json, problem } from './respond.ts'

const name = text({ max: 128, says: 'a text of at most 128 characters' })

/** The body of `POST /v1/revoke` (AUTH-9). */
export const revokeSchema = needing(
  object({ user: name, session: name, token: name, room }),
  'anyOf',
  ['user', 'session', 'token'],
  'Name a `user`, a `session` or a `token`',
)

const BODY_MOST = 4096

/** `POST /v1/revoke` (AUTH-9): in one room, or everywhere, if the runtime can. */
export async function revoke(request: Request, runtime: Runtime, bearer: Bearer): Promise<Response> {
  if (!bearer.mayAll) throw new Refusal('forbidden', 'Only an API key may revoke')
  const asked = revokeSchema.check(
    parseJson(decodeText(await readBody(request, BODY_MOST, runtime.bodyPatience))),
    'body',
  )
  const { user, session, token } = asked
  // What clocks may differ by counts three times: when a token is made, how long it may live, and when it ends.
  const until = Date.now() + (runtime.gate.lifetime + 3 * TOLERANCE) * 1000
  const revocations: Revocation[] = []
  if (user !== undefined) revocations.push({ kind: 'user', name: user, until })
  if (session !== undefined) revocations.push({ kind: 'session', name: session, until })
  if (token !== undefined) revocations.push({ kind: 'token', name: token, until })
  const reply =
    asked.room !== undefined
      ? await runtime.room(roomName(asked.room)).command({ type: 'revoke', revocations })
      : await everywhere(runtime, revocations)
  return reply.type === 'error' ? problem(reply.code, reply.message, reply.retryAfter) : json({}, 200)
}

function everywhere({ revocations: registry }: Runtime, revocations: readonly Revocation[]) {
  if (registry === undefined) throw new Refusal('bad_request', 'Name the `room`: rooms know nothing of each other here')
  return registry.add(revocations)
}
