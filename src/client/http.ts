import type { Environment } from './environment.ts'
import { Failed } from './errors.ts'
import type { End } from './transports/wire.ts'

export interface Call {
  readonly token: string | undefined
  readonly signal: AbortSignal
  readonly method?: 'GET' | 'POST' | 'PUT'
  /** JSON. */
  readonly body?: string | null
}

/** What is not answered as this type comes from somebody in between. @throws Failed */
export async function call(
  url: string,
  { token, signal, method = 'GET', body = null }: Call,
  type: string,
): Promise<Response> {
  const headers: Record<string, string> = {}
  // A header, and so in no access log, as a token in the URL would be. It is why streams are not read by EventSource.
  if (token) headers.authorization = `Bearer ${token}`
  if (body) headers['content-type'] = 'application/json'
  const response = await orFail(fetch(url, { method, headers, signal, body }))
  const given = response.headers.get('content-type') ?? ''
  if (response.ok && given.startsWith(type)) return response
  throw new Failed(await meaning(response, given))
}

/** @throws Failed */
export async function callJson<Answer>(url: string, options: Call, parse: Environment['parse']): Promise<Answer> {
  const response = await call(url, options, 'application/json')
  return orFail(response.text().then(parse) as Promise<Answer>)
}

/** The network's failures. `spread`: see `End`. @throws Failed */
export async function orFail<T>(step: Promise<T>, spread?: number): Promise<T> {
  try {
    return await step
  } catch (error) {
    throw new Failed({ reason: `${error}`, spread })
  }
}

async function meaning(response: Response, type: string): Promise<End> {
  const { status } = response
  const retryAfter = Number(response.headers.get('retry-after')) || undefined
  // Only the gateway's own refusals are final: a proxy's 403 says something about the way and not about the room.
  if (!type.startsWith('application/problem+json')) return { reason: `answered ${status} by another`, retryAfter }
  const { code, detail } = await orFail(response.json() as Promise<{ code: string; detail: string }>)
  const final = status < 500 && status !== 429
  return { reason: detail, code, final, retryAfter: final ? undefined : (retryAfter ?? 0) }
}
