import { LIMITS } from '../../protocol/limits.ts'
import type { HeldSocket } from '../ports.ts'

/** Events on their way to the client: those that come in one turn, of whichever room, leave in one array. */
export class Outbox {
  readonly #socket: HeldSocket
  readonly #flushed: () => void
  #events: string[] = []
  #size = 0

  constructor(socket: HeldSocket, flushed: () => void) {
    this.#socket = socket
    this.#flushed = flushed
  }

  credit(): number {
    return this.#socket.credit() - this.#size
  }

  push(json: string): void {
    if (this.#events.length === 0) {
      queueMicrotask(() => {
        this.flush()
        this.#flushed()
      })
    }
    this.#events.push(json)
    this.#size += json.length
  }

  flush(): void {
    const events = this.#events
    this.#events = []
    this.#size = 0
    // Rooms bring pages at once, and no client should have to take them as one message.
    let from = 0
    let size = 0
    for (const [i, event] of events.entries()) {
      if (size + event.length > LIMITS.page && i > from) {
        this.#socket.send(`[${events.slice(from, i).join(',')}]`)
        from = i
        size = 0
      }
      size += event.length
    }
    if (from < events.length) this.#socket.send(`[${events.slice(from).join(',')}]`)
  }
}
