import { REFUSED, readWelcome, type Visitor, type Welcome } from '../protocol/ask.ts'
import type { Inquiry } from './inquiry.ts'

/** The most of an answer, in bytes. */
const MAX_ANSWER = 16 * 1024
/** How long a welcome holds for the same request (ms), so that polls and reconnects do not ask each time; how many are kept. */
const HOLDS = 60_000
const KEPT = 10_000

/** Asks the backend who may connect (ASK-1 to ASK-3). */
export class Doorman {
  readonly #inquiry: Inquiry
  readonly #isOpen: boolean
  readonly #stateLimit: number
  /** Only what is known: on the edge, what one request waits for is lost with it, and nobody else may wait for that. */
  readonly #known = new Map<string, { readonly until: number; readonly welcome: Welcome }>()

  /** `isOpen`: without an answer everybody comes in. `stateLimit`: of a presence state, bytes. */
  constructor(inquiry: Inquiry, isOpen: boolean, stateLimit: number) {
    this.#inquiry = inquiry
    this.#isOpen = isOpen
    this.#stateLimit = stateLimit
  }

  async connect(visitor: Visitor, traceparent?: string): Promise<Welcome> {
    const data = JSON.stringify(visitor)
    const known = this.#known.get(data)
    if (known !== undefined && known.until > Date.now()) return known.welcome
    const welcome = await this.#ask(visitor.room, data, traceparent)
    // A refusal is not kept: whoever signs in meanwhile comes in at once.
    if (welcome !== null && welcome.refused === undefined) this.#keep(data, welcome)
    if (welcome !== null) return welcome
    return this.#isOpen ? {} : { refused: 'the backend did not answer', isFinal: false }
  }

  #keep(data: string, welcome: Exclude<Welcome, { refused: string }>): void {
    this.#known.delete(data)
    const ends = welcome.granted?.expiresAt ?? Number.POSITIVE_INFINITY
    this.#known.set(data, { until: Math.min(Date.now() + HOLDS, ends), welcome })
    for (const [oldest] of this.#known) {
      if (this.#known.size <= KEPT) break
      this.#known.delete(oldest)
    }
  }

  /** Null: nothing that can be read came. */
  async #ask(room: string, data: string, traceparent?: string): Promise<Welcome | null> {
    try {
      const now = Date.now()
      const answer = await this.#inquiry.ask({
        type: 'ask.connect',
        room,
        data,
        traceparent,
        maxAnswer: MAX_ANSWER,
        since: now,
      })
      return answer === null ? { refused: REFUSED, isFinal: true } : readWelcome(answer, now, this.#stateLimit)
    } catch (error) {
      this.#inquiry.complain('who may connect', error)
      return null
    }
  }
}
