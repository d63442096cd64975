import { ERRORS, type ErrorCode, isTransient, Refusal } from '../protocol/errors.ts'
import { retryAfter } from './advice.ts'

/** An error as RFC 9457 has it (ERR-1). */
/** `wait`: seconds, where they are known. */
export function problem(code: ErrorCode, detail: string, wait?: number): Response {
  const { status, title } = ERRORS[code]
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  }
  if (isTransient(code)) headers['retry-after'] = String(Math.ceil(wait ?? retryAfter()))
  if (status === 401)
    headers['www-authenticate'] = `Bearer error="${code === 'unauthorized' ? 'invalid_request' : 'invalid_token'}"`
  if (status === 426) headers.upgrade = 'websocket'
  const body = { type: `urn:holdline:error:${code}`, title, status, detail, code }
  return new Response(JSON.stringify(body), { status, headers })
}

/** Whatever a handler threw; what is no refusal is the operator's to see and not the client's. */
export function toProblem(error: unknown, report: (error: unknown) => void): Response {
  if (error instanceof Refusal) return problem(error.code, error.message)
  report(error)
  return problem('internal', 'The gateway could not handle this request')
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

export const jsonText = (text: string, status = 200): Response => new Response(text, { status, headers: HEADERS })

export const json = (value: unknown, status: number): Response => jsonText(JSON.stringify(value), status)
