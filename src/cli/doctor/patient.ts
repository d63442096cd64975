import { randomBytes } from 'node:crypto'

/** The gateway that is looked at, and how. */
export interface Patient {
  readonly url: string
  readonly token: string | undefined
  readonly room: string
  readonly origin: string | undefined
}

/** Milliseconds within which a healthy gateway has answered, or sent its first event. */
export const PROMPT = 4000

export const headersOf = ({ token, origin }: Patient): Record<string, string> => ({
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
  ...(origin !== undefined && { origin }),
})

export const roomUrl = ({ url, room }: Patient, route: string): string =>
  `${url}/v1/rooms/${encodeURIComponent(room)}${route}`

/** A room that nobody else is in. To read in it writes nothing, so nothing is left of it. */
export const freshRoom = (): string => `holdline-doctor-${randomBytes(6).toString('hex')}`

/** What was answered to a request. */
export interface Answer {
  readonly ok: boolean
  readonly status: number
  readonly headers: Headers
  /** All of it; of an event stream nothing, */
  readonly text: string
  /** which is here instead, until `stop`. */
  readonly stream?: ReadableStream<Uint8Array>
}

/** A request as it is, no redirect followed. `patience`: milliseconds until its answer must have come, whole. */
export async function ask(
  patient: Patient,
  url: string,
  {
    headers,
    patience = PROMPT,
    stop,
    method = 'GET',
  }: { method?: string; headers?: Record<string, string>; patience?: number; stop?: AbortSignal } = {},
): Promise<Answer> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error(`no answer in ${patience / 1000} s`)), patience)
  const signal = stop ? AbortSignal.any([stop, late.signal]) : late.signal
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...headersOf(patient), ...headers },
      signal,
    })
    const { ok, status, headers: told, body } = response
    const isStream = ok && told.get('content-type')?.startsWith('text/event-stream') && body !== null
    return { ok, status, headers: told, ...(isStream ? { text: '', stream: body } : { text: await response.text() }) }
  } finally {
    clearTimeout(timer)
  }
}

/** What an answer says in JSON; undefined: it is none. */
export function jsonOf({ text }: Answer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A refusal of the gateway's own; undefined: somebody else answered. */
export function problemOf(answer: Answer): { code: string; detail: string } | undefined {
  if (!answer.headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  const { code, detail } = jsonOf(answer) ?? {}
  return typeof code === 'string' ? { code, detail: `${detail}` } : undefined
}

/** What an answer says of who sent it, as proxies have it: `nginx/1.27`. */
export const senderOf = ({ headers }: Answer): string => proxyOf(headers) || 'something in front'

export const proxyOf = (headers: Headers): string =>
  [headers.get('server'), headers.get('via')].filter(Boolean).join(', ')
