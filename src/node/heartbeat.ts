import type { WebSocket } from 'ws'
import { CLOSE } from '../protocol/codes.ts'
import { LIMITS } from '../protocol/limits.ts'

/** It has spoken since the last beat, and need not be asked. */
const HEARD = -1

/** Asks every WebSocket whether it is still there: one that vanished without a word is noticed by nothing else. */
export class Heartbeat {
  /** How many pings each has left unanswered, or `HEARD`. */
  readonly #missed = new Map<WebSocket, number>()
  #timer: NodeJS.Timeout | undefined
  #whenEmpty: (() => void) | undefined
  readonly #closed: (code: number) => void

  /** `closed` is told the close code of each that does not answer. */
  constructor(closed: (code: number) => void) {
    this.#closed = closed
  }

  watch(ws: WebSocket): void {
    this.#missed.set(ws, 0)
    this.#timer ??= setInterval(() => this.#beat(), LIMITS.heartbeat * 1000).unref()
    ws.on('pong', () => this.#missed.set(ws, 0))
    ws.on('close', () => {
      this.#missed.delete(ws)
      if (this.#missed.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#whenEmpty?.()
    })
  }

  /** It has said something: clients of ours ping by themselves, and asking them too would cost twice as much. */
  heard(ws: WebSocket): void {
    if ((this.#missed.get(ws) ?? HEARD) !== HEARD) this.#missed.set(ws, HEARD)
  }

  /** Resolves when all are gone; those that are left after `patience` (ms) are cut off. */
  async closed(patience: number): Promise<void> {
    if (this.#missed.size === 0) return
    const cut = setTimeout(() => this.cut(), patience)
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    clearTimeout(cut)
  }

  cut(): void {
    for (const ws of this.#missed.keys()) ws.terminate()
  }

  #beat(): void {
    for (const [ws, missed] of this.#missed) {
      if (missed === HEARD) this.#missed.set(ws, 0)
      else if (missed < 2) {
        this.#missed.set(ws, missed + 1)
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
