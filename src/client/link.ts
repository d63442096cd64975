import { backoff } from './backoff.ts'
import type { Environment } from './environment.ts'
import { Ladder } from './ladder.ts'
import type { End, ServerEvent, Sink, TransportName, Wire } from './transports/wire.ts'

/** Lives this short, so often one after the other, mark a transport as blocked. */
const STRIKES = 3

/** One try of a transport, and if it comes to that, its life. */
interface Attempt {
  readonly transport: TransportName
  wire: Wire
  /** The first event came then (ms). */
  welcomedAt?: number
  /** It has brought a message. */
  moved: boolean
  /** Of what the wire that stands cannot be told; else it is the first, or a better transport is tried. */
  readonly isRenewal: boolean
  giveUp(): void
}

/** The link's own state, beside what its rooms have yet to read. */
export interface LinkState {
  readonly state: 'connecting' | 'open' | 'waiting'
  readonly transport?: TransportName
  readonly reason?: string
  /** Milliseconds. */
  readonly retryIn?: number
}

export interface LinkHost {
  dial(transport: TransportName, sink: Sink): Wire
  /** It is the wire now. What was sent over another may have arrived or not. */
  opened(wire: Wire): void
  heard(events: readonly ServerEvent[]): void
  /** There is none now. */
  lost(): void
  /** It ended, not to be come back from as it was. The link stands still until it is started again. */
  refused(end: End): void
  changed(state: LinkState): void
}

/**
 * Keeps one wire to the gateway: the best transport that works. It knows no socket and no clock of its own.
 * A wire that takes over from another does so by its first event, so that the client is never without one.
 */
export class Link {
  readonly #host: LinkHost
  readonly #environment: Environment
  readonly #ladder: Ladder
  #current: Attempt | undefined
  #scout: Attempt | undefined
  /** Better transports that are yet to be tried in this climb. */
  #steps: TransportName[] = []
  #waiting: { readonly isAdvised: boolean; cancel(): void } | undefined
  #cancelClimb: (() => void) | undefined
  #climbs = 0
  #failures = 0
  #strikes = 0
  /** Tries since this wire that fell silent, and that the gateway may still take for connections of this session. */
  #abandoned = 0

  constructor(transports: readonly TransportName[], host: LinkHost, environment: Environment) {
    this.#ladder = new Ladder(transports)
    this.#host = host
    this.#environment = environment
  }

  /** The wire, where one stands. */
  get wire(): Wire | undefined {
    return this.#current?.welcomedAt === undefined ? undefined : this.#current.wire
  }

  start(): void {
    if (this.#current === undefined && this.#waiting === undefined) this.#begin()
  }

  stop(): void {
    this.#dropScout()
    this.#drop(this.#current)
    this.#current = undefined
    this.#cancelClimb?.()
    this.#waiting?.cancel()
    this.#waiting = undefined
  }

  /** The network may be there again, or be another: what was found out of it counts no more, what the server said does. */
  nudge(): void {
    this.#ladder.clear()
    this.#climbs = 0
    if (this.#waiting?.isAdvised === false) this.#begin()
    else if (this.#current?.welcomedAt !== undefined) {
      this.#current.wire.check?.()
      this.#planClimb(this.#current)
    }
  }

  /** Something has changed that the wire cannot be told, such as the list of rooms. */
  renew(): void {
    const current = this.#current
    if (current === undefined) return
    this.#dropScout()
    if (current.welcomedAt !== undefined) this.#scout = this.#attempt(current.transport, true)
    else {
      this.#drop(current)
      this.#begin()
    }
  }

  #begin(): void {
    this.#waiting?.cancel()
    this.#waiting = undefined
    const transport = this.#ladder.best()
    this.#current = this.#attempt(transport)
    this.#host.changed({ state: 'connecting', transport })
  }

  #attempt(transport: TransportName, isRenewal = false): Attempt {
    const attempt: Attempt = { transport, isRenewal, moved: false, wire: NO_WIRE, giveUp() {} }
    const isOver = (): boolean => attempt !== this.#current && attempt !== this.#scout
    attempt.wire = this.#host.dial(transport, {
      began: () => {
        if (isOver()) return
        attempt.giveUp = this.#environment.after(this.#environment.timing.patience, () => {
          attempt.wire.close()
          this.#ended(attempt, { reason: 'nothing came', silent: true })
        })
      },
      heard: (events) => {
        if (!isOver()) this.#heard(attempt, events)
      },
      ended: (end) => {
        if (!isOver()) this.#ended(attempt, end)
      },
    })
    return attempt
  }

  #heard(attempt: Attempt, events: readonly ServerEvent[]): void {
    if (attempt.welcomedAt === undefined) {
      // MULTI-8: the first that is heard may be that one of the rooms is not to be had.
      if (!events.some(({ type }) => type === 'welcome' || type === 'left')) return
      this.#established(attempt)
    }
    attempt.moved ||= events.some(({ type }) => type === 'message')
    this.#host.heard(events)
  }

  #established(attempt: Attempt): void {
    attempt.giveUp()
    attempt.welcomedAt = this.#environment.now()
    this.#abandoned = 0
    if (attempt === this.#scout) {
      this.#drop(this.#current)
      this.#scout = undefined
      this.#current = attempt
      this.#strikes = 0
    }
    this.#ladder.works(attempt.transport)
    this.#planClimb(attempt)
    this.#host.opened(attempt.wire)
    this.#host.changed({ state: 'open', transport: attempt.transport })
  }

  #ended(attempt: Attempt, end: End): void {
    attempt.giveUp()
    if (end.silent) this.#abandoned++
    if (attempt === this.#scout) this.#scoutEnded(attempt, end)
    else this.#lost(attempt, end)
  }

  #scoutEnded(scout: Attempt, end: End): void {
    this.#scout = undefined
    const current = this.#current as Attempt
    if (scout.isRenewal) {
      // The wire that stands is not what is wanted any more.
      this.#drop(current)
      this.#lost(current, end)
    } else this.#climbOn()
  }

  #lost(attempt: Attempt, end: End): void {
    this.#current = undefined
    this.#dropScout()
    this.#cancelClimb?.()
    this.#host.lost()
    if (end.final) this.#host.refused(end)
    // Another transport may work at once, and only when none does is it the network or the server.
    else if (this.#isBlocked(attempt, end) && this.#ladder.block(attempt.transport)) this.#begin()
    else this.#wait(end)
  }

  /** Was it the transport? Not if the server said when to come back. */
  #isBlocked({ welcomedAt, moved }: Attempt, { retryAfter, silent }: End): boolean {
    const { now, timing } = this.#environment
    if (welcomedAt === undefined) return retryAfter === undefined
    if (moved || now() - welcomedAt >= timing.answer) this.#failures = this.#strikes = 0
    else this.#strikes++
    if (retryAfter !== undefined || (!silent && this.#strikes < STRIKES)) return false
    this.#strikes = 0
    return true
  }

  #wait({ reason, retryAfter, spread = 0 }: End): void {
    const { after, random } = this.#environment
    const own = Math.max(backoff(this.#failures++, random()), random() * spread * 1000)
    const retryIn = Math.max(own, (retryAfter ?? 0) * 1000)
    const cancel = after(retryIn, () => this.#begin())
    this.#waiting = { isAdvised: retryAfter !== undefined, cancel }
    this.#host.changed({ state: 'waiting', reason, retryIn })
  }

  #planClimb({ transport }: Attempt): void {
    this.#cancelClimb?.()
    if (this.#ladder.above(transport).length === 0) {
      this.#climbs = 0
      return
    }
    const { after, random, timing } = this.#environment
    const wait = timing.climb * 2 ** Math.min(this.#climbs, 7) * (0.5 + random() / 2)
    this.#cancelClimb = after(wait, () => {
      if (this.#scout !== undefined) return
      // SES-3: of five connections the oldest goes, and those that a black hole has swallowed are younger than this one.
      // So it is made anew before there are four of them: a climb has two steps at most.
      this.#steps = this.#abandoned > 1 ? [transport] : this.#ladder.above(transport)
      this.#climbs++
      this.#climbOn()
    })
  }

  #climbOn(): void {
    const next = this.#steps.shift()
    if (next !== undefined) this.#scout = this.#attempt(next)
    else if (this.#current !== undefined) this.#planClimb(this.#current)
  }

  #dropScout(): void {
    this.#drop(this.#scout)
    this.#scout = undefined
  }

  #drop(attempt: Attempt | undefined): void {
    attempt?.giveUp()
    attempt?.wire.close()
  }
}

export const NO_WIRE: Wire = { close() {} }
