import { Refusal } from '../protocol/errors.ts'

/**
 * How much of a refused body is read and dropped: a client that is still sending, and whose connection is closed, sees
 * a reset in place of the answer.
 */
const DROPPED = 8 * 1024 * 1024

/**
 * Reads a body, but never keeps more than `limit` bytes of it, nor waits for it longer than `patience` (s; absent: the
 * server sees to that). @throws Refusal `too_large`, `bad_request`
 */
export async function readBody(request: Request, limit: number, patience?: number): Promise<Uint8Array> {
  if (patience === undefined) return read(request, limit)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal('bad_request', 'The body did not come in time')), patience * 1000)
  })
  try {
    return await Promise.race([read(request, limit), late])
  } finally {
    if (timer !== undefined) clearTimeout(timer)
  }
}

async function read(request: Request, limit: number): Promise<Uint8Array> {
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  // Its length is known to be no more than that: read in one go, it costs Node no stream of its own (a third of a
  // publish's CPU, 2026-11).
  if (length <= limit) return new Uint8Array(await request.arrayBuffer().catch(cutOff))
  if (request.body === null) return new Uint8Array()
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch(cutOff)
    if (done) break
    size += value.length
    if (size <= limit) chunks.push(value)
    else if (size > limit + DROPPED) {
      await reader.cancel()
      break
    }
  }
  if (size > limit) throw new Refusal('too_large', `The body may have ${limit} bytes`)
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : concat(chunks, size)
}

/** Whose client has gone, or took too long: nothing that an operator must see, however many do so. */
function cutOff(): never {
  throw new Refusal('bad_request', 'The body was cut off')
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** UTF-8, with its byte order mark if it has one (PUB-2). @throws Refusal `not_unicode` */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Refusal('not_unicode', 'The body must be UTF-8')
  }
}
