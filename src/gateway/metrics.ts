import { Refusal } from '../protocol/errors.ts'
import type { Runtime } from './ports.ts'

const HEADERS = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' }

/** `GET /metrics` (OPS-5). */
export async function metrics({ headers }: Request, { gate, metrics: read }: Runtime): Promise<Response> {
  gate.checkSource(headers)
  const bearer = await gate.admit(headers, undefined, false)
  if (!bearer.mayAll) throw new Refusal('forbidden', 'Only an API key may read the metrics')
  if (read === undefined) {
    throw new Refusal('not_found', 'No process is here to be scraped: the platform has metrics, see docs/metrics.md')
  }
  return new Response(await read(), { headers: HEADERS })
}
