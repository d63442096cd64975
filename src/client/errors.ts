import type { End } from './transports/wire.ts'

/** Why something did not happen, under a stable code: one of the gateway's (ERR-1), or one of the client's own. */
export class HoldlineError extends Error {
  /**
   * The client's own: `closed` (the room or the client was), `queue_full`, `not_connected` (an ephemeral message does
   * not wait), `unanswered` (an ephemeral message may have arrived or not), `invalid` (the schema says no), `token`
   * (none could be had), `unreachable`.
   */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'HoldlineError'
    this.code = code
  }
}

/** A request that was not answered as asked, and what that means for what is held by such requests. */
export class Failed extends HoldlineError {
  readonly end: End

  constructor(end: End) {
    super(end.code ?? 'unreachable', end.reason)
    this.end = end
  }
}

/** What a wire's end was, by what was thrown on the way. A token that cannot be had is not the transport's fault. */
export const endOf = (error: unknown): End =>
  error instanceof Failed ? error.end : { reason: `${(error as Error).message}`, code: 'token', retryAfter: 0 }
