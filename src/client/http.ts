import { HoldlineError } from './errors.ts'
import type { End } from './transports/wire.ts'

/** A request that was not answered as asked, and what that means. */
export class Failed extends Error {
  readonly end: End

  constructor(end: End) {
    super(end.reason)
    this.name = 'Failed'
    this.end = end
  }
}

export interface Call {
  readonly token: string | undefined
  readonly signal: AbortSignal
  readonly method?: 'GET' | 'POST' | 'PUT'
  /** JSON. */
  readonly body?: string
  /** What is asked for; anything else comes from somebody in between. */
  readonly type?: string
}

/** @throws Failed */
export async function call(url: string, { token, signal, method = 'GET', body, type }: Call): Promise<Response> {
  const headers: Record<string, string> = {}
  // A header, and so in no access log, as a token in the URL would be. It is why streams are not read by EventSource.
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(url, { method, headers, signal, ...(body !== undefined && { body }) })
  } catch (error) {
    throw new Failed({ reason: `the gateway cannot be reached: ${(error as Error).message}` })
  }
  const given = response.headers.get('content-type') ?? ''
  if (response.ok && given.startsWith(type ?? 'application/json')) return response
  throw new Failed(await meaning(response, given))
}

async function meaning(response: Response, type: string): Promise<End> {
  const { status } = response
  const wait = Number(response.headers.get('retry-after'))
  const advice = wait > 0 ? { retryAfter: wait } : {}
  const text = await response.text().catch(() => '')
  // Only the gateway's own refusals are final: a proxy's 403 says something about the way and not about the room.
  if (!type.startsWith('application/problem+json')) return { reason: `answered ${status} by somebody else`, ...advice }
  const { code, detail, title } = JSON.parse(text) as { code: string; detail?: string; title: string }
  const isFinal = status < 500 && status !== 429
  return { reason: detail ?? title, code, ...(isFinal ? { final: true } : { retryAfter: wait || 0 }) }
}

/** @throws Failed */
export async function callJson<Answer>(url: string, options: Call): Promise<Answer> {
  const response = await call(url, options)
  try {
    return (await response.json()) as Answer
  } catch (error) {
    throw new Failed({ reason: `the answer was cut: ${(error as Error).message}` })
  }
}

/** What a wire's end was, by what was thrown on the way. A token that cannot be had is not the transport's fault. */
export function endOf(error: unknown): End {
  if (error instanceof Failed) return error.end
  const { message } = error as Error
  return error instanceof HoldlineError ? { reason: message, code: error.code, retryAfter: 0 } : { reason: message }
}
