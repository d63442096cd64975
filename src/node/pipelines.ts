import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What one connection may ask before it is answered. Clients of today ask one thing at a time. */
const MOST = 16

/**
 * Requests that are sent one behind the other over one connection, none of them answered yet: Node takes as many as come,
 * and each could hold a line, so that one connection counted for thousands (LIMIT-3).
 */
export class Pipelines {
  readonly #waiting = new WeakMap<Socket, number>()

  /** One more has come. False: its connection had too many, and is cut off. */
  take({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    if (waiting > MOST) {
      socket.destroy()
      return false
    }
    this.#waiting.set(socket, waiting)
    response.once('close', () => this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1))
    return true
  }
}
