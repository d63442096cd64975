import { sessionId } from '../auth/secrets.ts'
import { Refusal } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import { isName } from '../protocol/names.ts'
import { parsePresence } from '../protocol/operations.ts'
import { listJson } from '../protocol/presence.ts'
import type { SessionInfo } from '../room/info.ts'
import { decodeText, readBody } from './body.ts'
import { afterId, limit, type Query, resume } from './parameters.ts'
import type { RoomStub, Runtime } from './ports.ts'
import { json, jsonText, problem } from './respond.ts'

/** `GET /v1/rooms/:room/presence` (PRES-5). */
export async function presence(stub: RoomStub): Promise<Response> {
  const reply = await stub.command({ type: 'presence' })
  if (reply.type === 'error') return problem(reply.code, reply.message, reply.retryAfter)
  if (reply.type !== 'presence') throw new Error(`A presence request was answered with ${reply.type}`)
  return jsonText(listJson(reply.list))
}

/** `PUT /v1/rooms/:room/presence?resume=` (PRES-2), for those who have no WebSocket. */
export async function setPresence(request: Request, room: string, query: Query, runtime: Runtime): Promise<Response> {
  const secret = resume.read(query)
  if (secret === undefined) throw new Refusal('bad_request', '`resume` must say whose presence it is')
  const body = await readBody(request, LIMITS.presenceStateMost * 8, runtime.bodyPatience)
  const state = parsePresence(decodeText(body))
  const reply = await runtime.room(room).command({ type: 'present', session: sessionId(room, secret), state })
  return reply.type === 'error' ? problem(reply.code, reply.message, reply.retryAfter) : json({}, 200)
}

/** `GET /v1/rooms/:room/sessions?after=&limit=` (SES-5). */
export async function listSessions(query: Query, stub: RoomStub): Promise<Response> {
  const most = limit.read(query) ?? LIMITS.historyDefault
  const reply = await stub.command({ type: 'sessions', after: afterId.read(query) ?? '', limit: most })
  if (reply.type === 'error') return problem(reply.code, reply.message, reply.retryAfter)
  if (reply.type !== 'sessions') throw new Error(`A sessions request was answered with ${reply.type}`)
  const next = JSON.stringify(reply.next)
  return jsonText(`{"sessions":[${reply.sessions.map(sessionJson).join(',')}],"next":${next}}`)
}

/** `GET /v1/rooms/:room/sessions/:id` (SES-5). */
export async function oneSession(id: string, stub: RoomStub): Promise<Response> {
  const reply = await stub.command({ type: 'session', id: sessionName(id) })
  if (reply.type === 'error') return problem(reply.code, reply.message, reply.retryAfter)
  if (reply.type !== 'sessions') throw new Error(`A session request was answered with ${reply.type}`)
  return jsonText(sessionJson(reply.sessions[0] as SessionInfo))
}

/** `DELETE /v1/rooms/:room/sessions/:id` (SES-6). */
export async function disconnect(id: string, stub: RoomStub): Promise<Response> {
  const reply = await stub.command({ type: 'disconnect', id: sessionName(id) })
  return reply.type === 'error'
    ? problem(reply.code, reply.message, reply.retryAfter)
    : new Response(null, { status: 204 })
}

/** @throws Refusal `not_found` */
export function sessionName(id: string): string {
  if (!isName('session', id)) throw new Refusal('not_found', 'There is no such session')
  return id
}

/** The state is spliced as it came (DATA-1). */
function sessionJson({ state, ...rest }: SessionInfo): string {
  const text = JSON.stringify(rest)
  return state === undefined ? text : `${text.slice(0, -1)},"state":${state}}`
}
