import { CLOSE } from '../protocol/codes.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Gap } from '../protocol/events.ts'

/** What the operator is told of those that were closed: one line for all of a turn, for a crowd must not flood the log. */
export const SLOW = 'Connections that do not read were closed'

/** How those were served who came back with a cursor (FOLLOW-3). */
export type Recovery = 'recovered' | Gap['reason']

/**
 * What rooms count: plain numbers of their host's, which only grow. So counting is an addition and no call, done once a
 * commit or a flush; and whoever wants to know looks when it likes.
 */
export class Tally {
  readonly published = { logged: 0, ephemeral: 0 }
  /** Events that were sent as they came, for each connection that they were sent to. */
  deliveries = 0
  /** Those that were read from the log for who was behind. */
  replays = 0
  /** Connections that fell behind because they did not read. */
  fellBehind = 0
  readonly recoveries: Record<Recovery, number> = {
    recovered: 0,
    retention: 0,
    epoch: 0,
    'rolled-back': 0,
    forbidden: 0,
  }
  /** Connections that were closed from here, by close code. */
  readonly closes = new Map<number, number>()
  #slow = 0

  committed(entries: readonly Entry[]): void {
    for (const { type, position } of entries) {
      if (type !== 'message') continue
      if (position === null) this.published.ephemeral++
      else this.published.logged++
    }
  }

  /** `gap`: why something was missing that was to be read. */
  replayed(events: number, gap: 'forbidden' | 'retention' | undefined): void {
    this.replays += events
    if (gap !== undefined) this.recoveries[gap]++
  }

  /** How many were closed since it was last asked because they did not read. */
  takeSlow(): number {
    const slow = this.closes.get(CLOSE.slow) ?? 0
    const more = slow - this.#slow
    this.#slow = slow
    return more
  }

  closed(code: number): void {
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1)
  }
}
