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

  /** `session`: its id, which is of this room alone (SES-1). Never rejects. */
  async connect(visitor: Visitor, session: string, traceparent?: string): Promise<Welcome> {
    const data = JSON.stringify(visitor)
    // What a guest is called is nobody else's name, though all guests ask alike; and its own, by whatever transport.
    const own = isKnown(visitor) ? data : session
    const since = Date.now()
    for (const key of [own, data]) {
      const known = this.#known.get(key)
      if (known !== undefined && known.until > since) return known.welcome
    }
    try {
      const asked = this.#slots.use(() => this.#ask(visitor.room, data, since, traceparent))
      if (asked === null) throw new Unasked('too many visitors wait')
      const welcome = await asked
      // A refusal is not kept: whoever signs in meanwhile comes in at once.
      if (welcome.refused === undefined) this.#keep(isPersonal(welcome) ? own : data, welcome)
      return welcome
    } catch (error) {
      this.#inquiry.complain('who may connect', error)
      if (error instanceof Unasked) return { refused: 'busy', code: 'busy' }
      return this.#isOpen ? {} : { refused: 'the backend did not answer', code: 'backend' }
    }
  }

  #keep(key: string, welcome: Exclude<Welcome, { refused: string }>): void {
    this.#known.delete(key)
    const ends = welcome.granted?.expiresAt ?? Number.POSITIVE_INFINITY
    this.#known.set(key, { until: Math.min(Date.now() + HOLDS, ends), welcome })
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

const isPersonal = ({ user, state }: Exclude<Welcome, { refused: string }>): boolean => (user ?? state) !== undefined
