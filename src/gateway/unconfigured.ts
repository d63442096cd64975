import { Refusal } from '../protocol/errors.ts'
import { isHandshake, refuseHandshake } from './access/handshake.ts'
import type { Runtime } from './ports.ts'
import { json, problem } from './respond.ts'

/** The HTTP face of a gateway whose settings are wrong and that cannot refuse to start: it lives, and says what is wrong. */
export function unconfigured(request: Request, wrong: string, runtime: Pick<Runtime, 'refuse'>): Response {
  const { pathname } = new URL(request.url)
  if (pathname === '/healthz') return json({ status: 'ok' }, 200)
  if (isHandshake(request, pathname)) return refuseHandshake(request, new Refusal('unconfigured', wrong), runtime)
  return problem('unconfigured', wrong)
}
