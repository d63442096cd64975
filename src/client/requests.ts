import type { HoldlineError } from './errors.ts'
import { type Call, callJson } from './http.ts'
import type { Item } from './outbox.ts'
import type { Tokens } from './token.ts'

/** Where somebody stands in a room, as the query has it. */
export interface Start {
  readonly cursor: string | undefined
  readonly rewind: number | undefined
  readonly presence: string
}

interface Followed {
  readonly name: string
  readonly start: Start
}

/** Of what is not there, or empty, nothing is said. */
export type Query = Readonly<Record<string, string | number | undefined>>

/** A request that takes so long is given up (ms): a large message on a slow line takes a third of it. */
const LATE = 30_000

/** Single requests to the gateway, and the addresses of those that are held. */
export class Requests {
  readonly #base: string
  readonly #secret: string
  readonly #tokens: Tokens

  constructor(base: string, secret: string, tokens: Tokens) {
    this.#base = base.replace(/^ws/, 'http').replace(/\/+$/, '')
    this.#secret = secret
    this.#tokens = tokens
  }

  /** Of one room's route. */
  at(room: string, route: string, query: Query = {}): string {
    return this.#url(`rooms/${encodeURIComponent(room)}/${route}`, query)
  }

  /** Of what follows these rooms: one by its own route, which on the edge needs nobody in between (MULTI-3, MULTI-4). */
  following(rooms: readonly Followed[], route: string, query?: Query): string {
    const [first] = rooms
    const starts = rooms.map(({ start }) => start)
    const all = {
      cursor: starts.map(({ cursor }) => cursor ?? '').join('.'),
      rewind: starts.find((start) => start.rewind !== undefined)?.rewind,
      presence: starts.map(({ presence }) => presence).join('.'),
      ...query,
    }
    if (first !== undefined && rooms.length === 1) return this.at(first.name, route, all)
    return this.#url(route, { rooms: rooms.map(({ name }) => name).join(), ...all })
  }

  /** @throws Failed, HoldlineError */
  async call<Answer>(url: string, { signal, ...options }: Omit<Call, 'token'>): Promise<Answer> {
    const token = await this.#tokens.get()
    const either = AbortSignal.any([signal, AbortSignal.timeout(LATE)])
    try {
      return await callJson<Answer>(url, { token, signal: either, ...options }, JSON.parse)
    } catch (error) {
      if ((error as HoldlineError).code === 'token_expired') this.#tokens.forget()
      throw error
    }
  }

  /** An operation, where the wire only brings. @throws Failed, HoldlineError */
  operate({ op, room, fields }: Item, signal: AbortSignal): Promise<unknown> {
    const [route, method] = op === 'publish' ? (['messages', 'POST'] as const) : (['presence', 'PUT'] as const)
    return this.call(this.at(room, route), { signal, method, body: `{${fields}}` })
  }

  #url(path: string, query: Query): string {
    const given = Object.entries({ ...query, resume: this.#secret }).filter(
      ([, value]) => value !== undefined && value !== '',
    )
    return `${this.#base}/v1/${path}?${new URLSearchParams(given as [string, string][])}`
  }
}
