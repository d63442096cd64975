import type { Kind } from '../../room/ports.ts'
import { Tally } from '../../room/tally.ts'
import type { Deliveries } from '../../webhooks/deliveries.ts'
import { Histogram } from './histogram.ts'

/** What is there now: looked at when somebody asks, and at no other time. */
export interface Look {
  isReady: boolean
  rooms: number
  readonly connections: Record<Kind, number>
  stuck: number
  /** Bytes that wait for their commit, and that connections have not taken yet. */
  commit: number
  send: number
  /** Events that wait for the backend. */
  telling: number
}

const noKind = (): Record<Kind, number> => ({ websocket: 0, poll: 0, sse: 0, tcp: 0 })

export const nothing = (): Look => ({
  isReady: false,
  rooms: 0,
  connections: noKind(),
  stuck: 0,
  commit: 0,
  send: 0,
  telling: 0,
})

/** All that this process counts, for whoever asks. */
export class Readings {
  readonly tally = new Tally()
  readonly opened = noKind()
  readonly publish = new Histogram()
  readonly commit = new Histogram()
  readonly fanout = new Histogram()
  readonly requests = new Map<string, Map<number, number>>()
  /** Lines for the operator that say that something unexpected happened. */
  errors = 0
  /** Null: there is no backend. */
  backend: Deliveries | null = null

  answered(route: string, status: number): void {
    const statuses = this.requests.get(route) ?? new Map<number, number>()
    this.requests.set(route, statuses.set(status, (statuses.get(status) ?? 0) + 1))
  }
}
