import { sessionId } from '../auth/secrets.ts'
import { bytesBody, textBody } from '../protocol/data.ts'
import { Refusal } from '../protocol/errors.ts'
import { historyJson } from '../protocol/events.ts'
import { frameLimit } from '../protocol/limits.ts'
import { type Audience, type Publication, parsePublication, toHistoryQuery } from '../protocol/operations.ts'
import { decodeText, readBody } from './body.ts'
import { after, before, idempotencyKey, limit, type Query, resume, traceparent } from './parameters.ts'
import type { RoomStub, Runtime } from './ports.ts'
import { json, jsonText, problem } from './respond.ts'

/** `POST /v1/rooms/:room/messages` (PUB-1 to PUB-9); `to`: one session's own route (SES-7). */
export async function publish(
  request: Request,
  room: string,
  query: Query,
  runtime: Runtime,
  to?: Audience['to'],
): Promise<Response> {
  const secret = resume.read(query)
  const read = withKey(await readPublication(request, runtime), idempotencyKey.read(headersOf(request)))
  if (to !== undefined && read.to !== undefined) throw new Refusal('bad_request', 'The route says to whom it goes')
  const publication = to === undefined ? read : { ...read, to }
  const session = secret === undefined ? {} : { session: sessionId(room, secret) }
  const trace = traceparent.read(headersOf(request))
  const traced = trace === undefined ? {} : { traceparent: trace }
  const reply = await runtime.room(room).command({ type: 'publish', publication, ...session, ...traced })
  if (reply.type === 'error') return problem(reply.code, reply.message, reply.retryAfter)
  if (reply.type !== 'published') throw new Error(`A publish was answered with ${reply.type}`)
  const { type: _, ...answer } = reply
  // Without a cursor nothing went into the log: ephemeral, or the application kept it to itself.
  return json(answer, reply.duplicate ? 200 : reply.cursor === undefined ? 202 : 201)
}

async function readPublication(request: Request, { payloadLimit, bodyPatience }: Runtime): Promise<Publication> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/json') {
    return parsePublication(decodeText(await readBody(request, frameLimit(payloadLimit), bodyPatience)), payloadLimit)
  }
  const bytes = await readBody(request, payloadLimit, bodyPatience)
  const body = type.startsWith('text/') ? textBody(decodeText(bytes), payloadLimit) : bytesBody(bytes, payloadLimit)
  return { body, echo: true, ephemeral: false }
}

const headersOf =
  (request: Request): Query =>
  (name) =>
    request.headers.get(name) ?? undefined

function withKey(publication: Publication, key: string | undefined): Publication {
  if (key === undefined) return publication
  if (publication.id !== undefined && publication.id !== key) {
    throw new Refusal('bad_request', '`Idempotency-Key` and `id` must agree')
  }
  return { ...publication, id: key }
}

/** `GET /v1/rooms/:room/messages` (HIST-1 to HIST-4). */
export async function history(room: string, query: Query, stub: RoomStub): Promise<Response> {
  const most = limit.read(query)
  const [from, to] = [after.read(query), before.read(query)]
  const asked = toHistoryQuery({
    ...(from !== undefined && { after: from }),
    ...(to !== undefined && { before: to }),
    ...(most !== undefined && { limit: most }),
  })
  const secret = resume.read(query)
  const reader = secret === undefined ? {} : { session: sessionId(room, secret) }
  const reply = await stub.command({ type: 'history', query: asked, reader })
  if (reply.type === 'error') return problem(reply.code, reply.message, reply.retryAfter)
  if (reply.type !== 'history') throw new Error(`A history request was answered with ${reply.type}`)
  return jsonText(historyJson(reply.page))
}

/** `GET /v1/rooms/:room` (INFO-1). */
export async function info(stub: RoomStub): Promise<Response> {
  const reply = await stub.command({ type: 'info' })
  if (reply.type === 'error') return problem(reply.code, reply.message, reply.retryAfter)
  if (reply.type !== 'info') throw new Error(`An info request was answered with ${reply.type}`)
  return json(reply.info, 200)
}
