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

/** A request as it is, no redirect followed. `patience`: milliseconds until its headers must have come. */
export async function ask(
  patient: Patient,
  url: string,
  {
    headers,
    patience = PROMPT,
    ...options
  }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string>; patience?: number } = {},
): Promise<Response> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error(`no answer in ${patience / 1000} s`)), patience)
  const signal = options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal
  try {
    return await fetch(url, { redirect: 'manual', ...options, headers: { ...headersOf(patient), ...headers }, signal })
  } finally {
    clearTimeout(timer)
  }
}

/** A refusal of the gateway's own; undefined: somebody else answered. */
export async function problemOf(response: Response): Promise<{ code: string; detail: string } | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  return (await response.json()) as { code: string; detail: string }
}

/** What a response says of who sent it, as proxies have it: `nginx/1.27`. */
export const senderOf = ({ headers }: Response): string =>
  [headers.get('server'), headers.get('via')].filter(Boolean).join(', ') || 'something in front'
