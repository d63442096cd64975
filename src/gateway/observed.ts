import { randomSecret } from '../auth/secrets.ts'
import { reporter } from '../protocol/journal.ts'
import { readTraceparent } from '../protocol/trace.ts'
import type { Runtime } from './ports.ts'

export const REQUEST_ID = 'x-request-id'

const ID = /^[A-Za-z0-9._~:+/=-]{1,64}$/

/** The name of a request in the log: what a proxy has given it, or its trace, or one of our own (OPS-6). */
export const requestId = (headers: Headers): string => givenId(headers) ?? randomSecret()

export function givenId(headers: Headers): string | undefined {
  const given = headers.get(REQUEST_ID)
  if (given !== null && ID.test(given)) return given
  return readTraceparent(headers.get('traceparent'))?.slice(3, 35)
}

/** The runtime as one request has it: what is told of it bears its name. */
export function named(runtime: Runtime, request: string): Runtime {
  return {
    ...runtime,
    tell: (level, what, facts) => runtime.tell(level, what, { ...facts, request }),
    report: reporter(runtime.tell, { request }),
  }
}

export interface Answered {
  readonly request: string
  readonly method: string
  readonly path: string
  /** As it is registered. */
  readonly route: string
  readonly status: number
  /** When it came (ms). */
  readonly started: number
}

/** A request was answered: it is counted, and told of to whoever looks closely. */
export function tellAnswered(runtime: Runtime, { route, started, ...facts }: Answered): void {
  runtime.answered?.(route.endsWith('*') ? 'none' : route, facts.status)
  runtime.tell('debug', 'A request was answered', { ...facts, ms: Date.now() - started })
}
