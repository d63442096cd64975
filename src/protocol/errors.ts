/** Every error code that a client can meet, with its HTTP status (ERR-1) and its title. The one table. */
export const ERRORS = {
  bad_request: { status: 400, title: 'The request is malformed' },
  bad_room: { status: 400, title: 'The room name is malformed' },
  bad_cursor: { status: 400, title: 'The cursor is malformed' },
  unknown_field: { status: 400, title: 'A field is not known' },
  unknown_op: { status: 400, title: 'The operation is not known' },
  unknown_protocol: { status: 400, title: 'None of the offered subprotocols is known' },
  not_unicode: { status: 400, title: 'Text must be Unicode' },
  unauthorized: { status: 401, title: 'A token or an API key is needed' },
  token_expired: { status: 401, title: 'The token has expired' },
  revoked: { status: 401, title: 'The token was revoked' },
  forbidden: { status: 403, title: 'Not allowed' },
  origin: { status: 403, title: 'This origin may not use the gateway' },
  host: { status: 403, title: 'This host name may not be used for the gateway' },
  not_found: { status: 404, title: 'There is nothing here' },
  id_reused: { status: 409, title: 'The id was used for another message' },
  too_large: { status: 413, title: 'Too large' },
  upgrade_required: { status: 426, title: 'This route speaks WebSocket' },
  rate: { status: 429, title: 'Too many in a short time' },
  room_full: { status: 429, title: 'The room has all the connections that it takes' },
  busy: { status: 429, title: 'Too much at once' },
  internal: { status: 500, title: 'The gateway failed' },
  storage: { status: 503, title: 'The log cannot be written' },
  unconfigured: { status: 503, title: 'The gateway is not set up' },
  keys: { status: 503, title: 'Tokens cannot be checked' },
  backend: { status: 503, title: 'The backend could not be asked' },
  draining: { status: 503, title: 'The gateway is going down' },
} as const

/** Those after which the same may succeed. They come with advice when to try again. */
export const isTransient = (code: ErrorCode): boolean => ERRORS[code].status === 429 || ERRORS[code].status === 503

export type ErrorCode = keyof typeof ERRORS

/** A request or an operation that is refused: what happened, in the caller's words, under a stable code. */
export class Refusal extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.name = 'Refusal'
    this.code = code
  }
}
