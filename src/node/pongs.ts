import { PING_TEXT } from '../protocol/events.ts'
import type { WebSocketConnection } from './connection.ts'

/**
 * How long those who ping wait for each other (ms). Our client gives a gateway up that has not answered for 10 s. What a
 * pong costs that goes alone is mostly to wake the network for it, and the core (perf, 2026-11).
 */
const BEAT = 50
const PING = Buffer.from(PING_TEXT)

/** WS-5: these bytes, exactly, as the platform has it on the edge. */
export const isPing = (data: Buffer): boolean => data.length === PING.length && data.equals(PING)

/** Answers pings: at once while few ping, and where many do, all those of a beat together. */
export class Pongs {
  #owed: WebSocketConnection[] = []
  #answeredAt = Number.NEGATIVE_INFINITY

  answer(connection: WebSocketConnection): void {
    // Who pings and does not wait for the answer is not saved up for.
    if (this.#isQuiet() || connection.owesPong) {
      connection.pong()
      return
    }
    connection.owesPong = true
    if (this.#owed.push(connection) === 1) setTimeout(() => this.#pay(), BEAT).unref()
  }

  #isQuiet(): boolean {
    if (this.#owed.length > 0) return false
    const now = performance.now()
    if (now - this.#answeredAt < BEAT) return false
    this.#answeredAt = now
    return true
  }

  #pay(): void {
    const owed = this.#owed
    this.#owed = []
    this.#answeredAt = performance.now()
    for (const connection of owed) connection.payPong()
  }
}
