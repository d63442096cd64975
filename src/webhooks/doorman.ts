import { REFUSED, readWelcome, type Visitor, type Welcome } from '../protocol/ask.ts'
import { type Inquiry, Unasked } from './inquiry.ts'
import type { Slots } from './slots.ts'

/** The most of an answer, in bytes. */
const MAX_ANSWER = 16 * 1024
/** How long a welcome holds for the same request (ms), so that polls and reconnects do not ask each time; how many are kept. */
const HOLDS = 60_000
const KEPT = 10_000

/** Asks the backend who may connect (ASK-1 to ASK-3). */
export class Doorman {
  readonly #inquiry: Inquiry
  readonly #slots: Slots
  readonly #isOpen: boolean
  readonly #stateLimit: number
  /** Only what is known: on the edge, what one request waits for is lost with it, and nobody else may wait for that. */
  readonly #known = new Map<string, { readonly until: number; readonly welcome: Welcome }>()

  /** `isOpen`: without an answer everybody comes in. `stateLimit`: of a presence state, bytes. */
  constructor(inquiry: Inquiry, slots: Slots, isOpen: boolean, stateLimit: number) {
    this.#inquiry = inquiry
    this.#slots = slots
    this.#isOpen = isOpen
    this.#stateLimit = stateLimit
  }

  /** Never rejects. */
  async connect(visitor: Visitor, traceparent?: string): Promise<Welcome> {
    const data = JSON.stringify(visitor)
    const known = this.#known.get(data)
    if (known !== undefined && known.until > Date.now()) return known.welcome
    const since = Date.now()
    try {
      const asked = this.#slots.use(() => this.#ask(visitor.room, data, since, traceparent))
      if (asked === null) throw new Unasked('too many visitors wait')
      const welcome = await asked
      // A refusal is not kept: whoever signs in meanwhile comes in at once.
      if (welcome.refused === undefined && (isKnown(visitor) || !isPersonal(welcome))) this.#keep(data, welcome)
      return welcome
    } catch (error) {
      this.#inquiry.complain('who may connect', error)
      if (error instanceof Unasked) return { refused: 'busy', code: 'busy' }
      return this.#isOpen ? {} : { refused: 'the backend did not answer', code: 'backend' }
    }
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

  /** @throws Error if nothing that can be read came */
  async #ask(room: string, data: string, since: number, traceparent?: string): Promise<Welcome> {
    const answer = await this.#inquiry.ask({
      type: 'ask.connect',
      room,
      data,
      traceparent,
      maxAnswer: MAX_ANSWER,
      since,
    })
    return answer === null ? { refused: REFUSED, code: 'forbidden' } : readWelcome(answer, since, this.#stateLimit)
  }
}

/** Does the request bear anything by which its sender is told from others? */
const isKnown = ({ user, token, headers }: Visitor): boolean =>
  (user ?? token ?? headers.cookie ?? headers.authorization) !== undefined

/** What a guest is called is nobody else's name, though all guests ask alike. */
const isPersonal = (welcome: Welcome): boolean =>
  welcome.refused === undefined && (welcome.user ?? welcome.state) !== undefined
