import type { WebSocket } from 'ws'
import { CLOSE } from '../protocol/codes.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { ClientSocket } from './client-socket.ts'

/** Asks every WebSocket whether it is still there: one that vanished without a word is noticed by nothing else. */
export class Heartbeat {
  readonly #watched = new Set<ClientSocket>()
  #timer: NodeJS.Timeout | undefined
  #whenEmpty: (() => void) | undefined
  readonly #closed: (code: number) => void
  /** One for all: a listener of its own for each would weigh more than what it does. */
  readonly #gone: (this: WebSocket) => void

  /** `closed` is told the close code of each that does not answer. */
  constructor(closed: (code: number) => void) {
    this.#closed = closed
    const forget = (ws: ClientSocket) => this.#forget(ws)
    this.#gone = function () {
      forget(this as ClientSocket)
    }
  }

  watch(ws: ClientSocket): void {
    this.#watched.add(ws)
    this.#timer ??= setInterval(() => this.#beat(), LIMITS.heartbeat * 1000).unref()
    ws.on('pong', answered)
    ws.on('close', this.#gone)
  }

  /** It has said something: clients of ours ping by themselves, and asking them too would cost twice as much. */
  heard(ws: ClientSocket): void {
    ws.missed = null
  }

  /** Resolves when all are gone; those that are left after `patience` (ms) are cut off. */
  async closed(patience: number): Promise<void> {
    if (this.#watched.size === 0) return
    const cut = setTimeout(() => this.cut(), patience)
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    clearTimeout(cut)
  }

  cut(): void {
    for (const ws of this.#watched) ws.terminate()
  }

  #forget(ws: ClientSocket): void {
    this.#watched.delete(ws)
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#whenEmpty?.()
  }

  #beat(): void {
    for (const ws of this.#watched) {
      if (ws.missed === null) ws.missed = 0
      else if (ws.missed < 2) {
        ws.missed++
        ws.ping()
      } else {
        // The close frame will hardly arrive; if it does, it says why.
        ws.close(CLOSE.silent, 'silent')
        this.#closed(CLOSE.silent)
        ws.terminate()
      }
    }
  }
}

function answered(this: WebSocket): void {
  const ws = this as ClientSocket
  ws.missed = 0
}
