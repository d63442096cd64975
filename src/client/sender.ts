import { backoff } from './backoff.ts'
import type { Environment } from './environment.ts'
import { endOf, HoldlineError } from './errors.ts'
import { type Item, Outbox, type Published } from './outbox.ts'
import type { Requests } from './requests.ts'
import type { Ack, Failure, Wire } from './transports/wire.ts'

/** What a wire follows. */
export interface Following {
  readonly rooms: { has(room: string): boolean }
  /** It is for several, so that operations name theirs. */
  readonly isMulti: boolean
}

/** Sends what waits: over the wire if it takes operations, else one after the other by requests. */
export class Sender {
  readonly #outbox: Outbox
  readonly #environment: Environment
  readonly #requests: Requests
  readonly #followed: () => Following | undefined
  #wire: Wire | undefined
  #posting = new AbortController()
  #cancelPause: (() => void) | undefined
  #failures = 0

  constructor(limit: number, environment: Environment, requests: Requests, followed: () => Following | undefined) {
    this.#outbox = new Outbox(limit)
    this.#environment = environment
    this.#requests = requests
    this.#followed = followed
  }

  send(item: Item): void {
    if (item.isEphemeral && !this.#isReady(item.room)) {
      item.done(new HoldlineError('not_connected', 'not connected'))
      return
    }
    this.#outbox.add(item)
    this.flush()
  }

  opened(wire: Wire): void {
    this.lost()
    this.#wire = wire
    this.flush()
  }

  /** The wire is gone, or one room of it. */
  lost(room?: string): void {
    this.#outbox.lost(room)
    if (room !== undefined) return
    this.#wire = undefined
    this.#posting.abort()
    this.#posting = new AbortController()
    this.#cancelPause?.()
    this.#cancelPause = undefined
  }

  fail(error: HoldlineError, room: string): void {
    this.#outbox.fail(error, room)
  }

  /** What was sent last is more than the gateway reads. */
  tooLarge(reason: string): void {
    this.#outbox.failFlying(new HoldlineError('too_large', reason))
  }

  flush(): void {
    const wire = this.#wire
    if (wire === undefined || this.#cancelPause !== undefined) return
    const lot = this.#outbox.take((room) => this.#isReady(room), wire.send ? undefined : 0)
    const [first] = lot
    if (first === undefined) return
    if (wire.send === undefined) void this.#post(...first, this.#posting.signal)
    else
      wire.send(lot.map(([ref, { op, room, fields }]) => `{"op":"${op}","ref":${ref},${this.#place(room)}${fields}}`))
  }

  acked({ ref = 0, id = '', cursor, duplicate }: Ack): void {
    this.#failures = 0
    this.#outbox.answered(ref, undefined, { id, cursor, duplicate })
  }

  refused({ ref = 0, code, message, retryAfter }: Failure): void {
    const error = new HoldlineError(code, message)
    // DRAIN-2: whatever may succeed later says when.
    if (retryAfter === undefined) this.#outbox.answered(ref, error)
    else this.#postpone(ref, error, retryAfter)
  }

  #isReady(room: string): boolean {
    return this.#followed()?.rooms.has(room) === true
  }

  #place(room: string): string {
    return this.#followed()?.isMulti ? `"room":${JSON.stringify(room)},` : ''
  }

  async #post(ref: number, item: Item, signal: AbortSignal): Promise<void> {
    try {
      const answer = (await this.#requests.operate(item, signal)) as Published
      if (signal.aborted) return
      this.#failures = 0
      this.#outbox.answered(ref, undefined, answer)
    } catch (thrown) {
      if (signal.aborted) return
      const error = thrown as HoldlineError
      const { retryAfter, final } = endOf(error)
      if (final && error.code !== 'token_expired') this.#outbox.answered(ref, error)
      else this.#postpone(ref, error, retryAfter)
    }
    this.flush()
  }

  /** The server's advice first; without one, as long as after a failed try to connect. */
  #postpone(ref: number, error: HoldlineError, retryAfter = 0): void {
    this.#outbox.postpone(ref, error)
    if (this.#cancelPause !== undefined) return
    const { after, random } = this.#environment
    const wait = Math.max(retryAfter * 1000, backoff(this.#failures++, random()))
    this.#cancelPause = after(wait, () => {
      this.#cancelPause = undefined
      this.flush()
    })
  }
}
