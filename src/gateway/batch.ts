import { sessionId } from '../auth/secrets.ts'
import { isTransient, Refusal } from '../protocol/errors.ts'
import { elementTexts, memberText, parseJson } from '../protocol/json.ts'
import { frameLimit } from '../protocol/limits.ts'
import { isName } from '../protocol/names.ts'
import { batchSchema, type Publication, parseBatchItem } from '../protocol/operations.ts'
import { readTraceparent } from '../protocol/trace.ts'
import type { Reply } from '../room/ports.ts'
import { retryAfter } from './advice.ts'
import { decodeText, readBody } from './body.ts'
import { type Query, resume } from './parameters.ts'
import type { Runtime } from './ports.ts'
import { json } from './respond.ts'

interface Item {
  readonly index: number
  readonly room: string
  readonly publication: Publication
}

type Result =
  | Omit<Extract<Reply, { type: 'published' }>, 'type'>
  | { readonly code: string; readonly message: string; readonly retryAfter?: number }

/** `POST /v1/publish` (BATCH-1 to BATCH-3): one room's items are one command, and so one atomic write. */
export async function publishMany(request: Request, query: Query, runtime: Runtime): Promise<Response> {
  const secret = resume.read(query)
  const source = decodeText(await readBody(request, frameLimit(runtime.payloadLimit) * 4, runtime.bodyPatience))
  const { items, results } = readItems(source, runtime.payloadLimit)
  const trace = readTraceparent(request.headers.get('traceparent'))
  const traced = trace === undefined ? {} : { traceparent: trace }
  const byRoom = Object.groupBy(items, ({ room }) => room)
  await Promise.all(
    Object.entries(byRoom).map(async ([room, own = []]) => {
      const session = secret === undefined ? {} : { session: sessionId(room, secret) }
      const replies = await publishTo(room, own, runtime, { ...session, ...traced })
      own.forEach(({ index }, i) => {
        results[index] = toResult(replies[i] as Reply)
      })
    }),
  )
  return json({ results }, 200)
}

function readItems(source: string, payloadLimit: number): { items: Item[]; results: Result[] } {
  batchSchema.check(parseJson(source), 'body')
  const items: Item[] = []
  const results: Result[] = []
  elementTexts(memberText(source, 'messages') as string).forEach((text, index) => {
    try {
      const { room, publication } = parseBatchItem(text, payloadLimit)
      if (!isName('room', room)) throw new Refusal('bad_room', 'The room name is malformed')
      items.push({ index, room, publication })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      results[index] = { code: error.code, message: error.message }
    }
  })
  return { items, results }
}

async function publishTo(
  room: string,
  items: readonly Item[],
  runtime: Runtime,
  whence: { readonly session?: string; readonly traceparent?: string },
): Promise<readonly Reply[]> {
  try {
    const publications = items.map(({ publication }) => publication)
    const reply = await runtime.room(room).command({ type: 'batch', publications, ...whence })
    if (reply.type === 'batch') return reply.replies
    throw new Error(`A batch was answered with ${reply.type}`)
  } catch (error) {
    if (error instanceof Refusal && !isTransient(error.code)) {
      const { code, message } = error
      return items.map(() => ({ type: 'error', code, message }) as const)
    }
    // One room that cannot be written must not hide what became of the others.
    if (!(error instanceof Refusal)) runtime.report(error)
    const failed = {
      type: 'error',
      code: 'storage',
      message: 'The room did not answer; ask again under the same ids',
    } as const
    return items.map(() => failed)
  }
}

function toResult(reply: Reply): Result {
  if (reply.type === 'error') {
    const { code, message } = reply
    return { code, message, ...(isTransient(code) && { retryAfter: reply.retryAfter ?? retryAfter() }) }
  }
  const { type: _, ...result } = reply as Extract<Reply, { type: 'published' }>
  return result
}
