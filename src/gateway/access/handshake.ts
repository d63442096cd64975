import { CLOSE, closeReason } from '../../protocol/codes.ts'
import { type ErrorCode, isTransient, Refusal } from '../../protocol/errors.ts'
import { type Runtime, SUBPROTOCOLS } from '../ports.ts'

/** How a refusal is said by a close: what may succeed later is one to come back from. */
const CLOSES: { readonly [code in ErrorCode]?: number } = {
  unauthorized: CLOSE.unauthorized,
  token_expired: CLOSE.token_expired,
  revoked: CLOSE.revoked,
  forbidden: CLOSE.forbidden,
  origin: CLOSE.forbidden,
  host: CLOSE.forbidden,
  storage: CLOSE.storage,
  keys: CLOSE.storage,
  unconfigured: CLOSE.storage,
  draining: CLOSE.drain,
}

export const closeCodeOf = (code: ErrorCode): number =>
  CLOSES[code] ?? (isTransient(code) ? CLOSE.rate : CLOSE.protocol)

/** Is it one that a browser could not be told about by a status (WS-8)? */
export const isHandshake = (request: Request, path: string): boolean =>
  path.endsWith('/ws') && request.headers.get('upgrade')?.toLowerCase() === 'websocket'

/** Accepts a handshake only to say by a close why it is not let in (WS-8). */
export function refuseHandshake(request: Request, error: unknown, runtime: Pick<Runtime, 'refuse'>): Response {
  if (!(error instanceof Refusal)) throw error
  const offered = request.headers.get('sec-websocket-protocol')?.split(',') ?? []
  const protocol = offered.map((name) => name.trim()).find((name) => Object.hasOwn(SUBPROTOCOLS, name)) ?? null
  const reason = closeReason(`${error.code}: ${error.message}`)
  return runtime.refuse(request, { protocol, code: closeCodeOf(error.code), reason })
}
