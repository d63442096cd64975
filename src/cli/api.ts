import { setTimeout as pause } from 'node:timers/promises'
import { backoff } from '../client/backoff.ts'
import { EXIT, exitOf, Fault } from './exit.ts'
import { note } from './terminal.ts'
import type { Where } from './where.ts'

type Query = Readonly<Record<string, string | number | undefined>>

/** Milliseconds that one answer may take. */
const LATE = 30_000

/** Somebody took the request and hung up: what was asked may have been done, and its answer lost. */
const BROKEN: readonly string[] = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

/**
 * Single requests to the gateway. What may succeed later is sent again: as often as the gateway says, and once it has
 * answered at all also when it cannot be reached. So only what may be repeated is sent by it.
 */
export class Api {
  readonly #where: Where
  #hasAnswered = false
  /** How often the answer broke off before there was one: once it may be a gateway that died, twice it is none. */
  #broken = 0

  constructor(where: Where) {
    this.#where = where
  }

  /** Of one room. The answer's JSON as it came, since numbers may be larger than a program can hold. @throws Fault */
  get(room: string, route: string, query: Query = {}): Promise<string> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined) as [string, string][]
    return this.#patiently(`/v1/rooms/${encodeURIComponent(room)}${route}?${new URLSearchParams(given)}`)
  }

  /** @throws Fault */
  post(path: string, body: string): Promise<string> {
    return this.#patiently(path, body)
  }

  /** Says what the gateway's answers make of it, after it was refused once or twice. @throws Fault */
  async #patiently(path: string, body?: string): Promise<string> {
    for (let failures = 0; ; failures++) {
      try {
        const answer = await this.#once(path, body)
        if (failures > 0) note('going on')
        this.#hasAnswered = true
        return answer
      } catch (error) {
        if (!(error instanceof Fault) || !this.mayTryAgain(error)) throw error
        await this.wait(error, failures)
      }
    }
  }

  mayTryAgain({ retryAfter, exit }: Fault): boolean {
    return retryAfter !== undefined || (exit === EXIT.unreachable && (this.#hasAnswered || this.#broken === 1))
  }

  /** The gateway's advice first. */
  async wait({ message, retryAfter = 0 }: Fault, failures: number): Promise<void> {
    if (failures === 0) note(`${message}; trying again`)
    await pause(Math.max(retryAfter * 1000, backoff(failures, Math.random())))
  }

  async #once(path: string, body: string | undefined): Promise<string> {
    const token = this.#where.token()
    const response = await this.#fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      body: body ?? null,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
    })
    const type = response.headers.get('content-type') ?? ''
    const text = await response.text().catch((error) => {
      this.#broken++
      throw new Fault(EXIT.unreachable, `the answer broke off: ${reasonOf(error)}`)
    })
    if (response.ok && type.startsWith('application/json')) return text
    if (type.startsWith('application/problem+json')) throw refusal(response, text)
    throw new Fault(
      EXIT.unreachable,
      `${this.#where.url} answered ${response.status}, and it was not the gateway who did: see holdline doctor`,
    )
  }

  async #fetch(path: string, options: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.#where.url}${path}`, { ...options, signal: AbortSignal.timeout(LATE) })
    } catch (error) {
      if (BROKEN.includes(codeOf(error))) this.#broken++
      throw new Fault(EXIT.unreachable, `nothing answers at ${this.#where.url}: ${reasonOf(error)}`)
    }
  }
}

function refusal({ status, headers }: Response, text: string): Fault {
  const { code, detail } = JSON.parse(text) as { code: string; detail: string }
  const advice = Number(headers.get('retry-after')) || 0
  return new Fault(exitOf(code), `${code}: ${detail}`, isLater(status, code) ? advice : undefined)
}

/** What is set up wrongly does not become right by waiting. */
const isLater = (status: number, code: string): boolean => (status === 429 || status === 503) && code !== 'unconfigured'

/** What the system said, which `fetch` keeps behind its own words. */
export function reasonOf(error: unknown): string {
  const { code, message, reason } = causeOf(error)
  return reason || message || code || (error as Error).message
}

/** By what name the system knows it, or whoever read the answer; empty: by none. */
export function codeOf(error: unknown): string {
  const { code, name = '' } = causeOf(error)
  return code ?? name
}

/** `reason`: OpenSSL's own word, without the place in its source. */
const causeOf = (error: unknown): Partial<NodeJS.ErrnoException & { reason: string }> => (error as Error).cause ?? {}
