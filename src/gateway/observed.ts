import { randomSecret } from '../auth/secrets.ts'
import { reporter } from '../protocol/journal.ts'
import { readTraceparent } from '../protocol/trace.ts'
import type { Runtime } from './ports.ts'

export const REQUEST_ID = 'x-request-id'

const ID = /^[A-Za-z0-9._~:+/=-]{1,64}$/

/** The name of a request in the log: what a proxy has given it, or its trace, or one of our own (OPS-6). */
export function requestId(headers: Headers): string {
  const given = headers.get(REQUEST_ID)
  if (given !== null && ID.test(given)) return given
  return readTraceparent(headers.get('traceparent'))?.slice(3, 35) ?? randomSecret()
}

/** The runtime as one request has it: what is told of it bears its name. */
export function named(runtime: Runtime, request: string): Runtime {
  return {
    ...runtime,
    tell: (level, what, facts) => runtime.tell(level, what, { ...facts, request }),
    report: reporter(runtime.tell, { request }),
  }
}
