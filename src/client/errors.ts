/** Why something did not happen, under a stable code: one of the gateway's (ERR-1), or one of the client's own. */
export class HoldlineError extends Error {
  /**
   * The client's own: `closed` (the room or the client was), `queue_full`, `not_connected` (an ephemeral message has
   * nobody to wait for), `unanswered` (an ephemeral message may have arrived or not), `invalid` (the schema says no),
   * `token` (the callback failed), `unreachable`.
   */
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'HoldlineError'
    this.code = code
  }
}
