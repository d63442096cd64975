import { closeReason } from '../../protocol/codes.ts'
import { Refusal } from '../../protocol/errors.ts'
import { roomName } from '../../protocol/names.ts'
import { closeCodeOf } from '../access/handshake.ts'
import type { Query } from '../parameters.ts'
import { type Runtime, SUBPROTOCOLS } from '../ports.ts'
import { presenceOf, sessionOf, startOf } from '../query.ts'

/** `GET /v1/rooms/:room/ws` (WS-1 to WS-10, PLAIN-1 to PLAIN-3). */
export async function websocket(request: Request, room: string, query: Query, runtime: Runtime): Promise<Response> {
  const protocol = chooseProtocol(request, Object.keys(SUBPROTOCOLS))
  const codec = protocol === null ? 'plain' : (SUBPROTOCOLS[protocol] ?? 'plain')
  return orRefuse(request, protocol, runtime, async () => {
    const name = roomName(room)
    const hello = {
      kind: 'websocket',
      codec,
      ...startOf(query),
      ...presenceOf(query),
      ...sessionOf(name, query),
    } as const
    return runtime.room(name).upgrade(request, hello, protocol)
  })
}

/** Lets a handshake in, or accepts it only to say by a close why not (WS-8). */
export async function orRefuse(
  request: Request,
  protocol: string | null,
  runtime: Runtime,
  letIn: () => Promise<Response>,
): Promise<Response> {
  try {
    return await letIn()
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'upgrade_required') throw error
    const reason = closeReason(`${error.code}: ${error.message}`)
    return runtime.refuse(request, { protocol, code: closeCodeOf(error.code), reason })
  }
}

/**
 * The first offered subprotocol that the route knows; null when none was offered.
 * @throws Refusal `upgrade_required`, `unknown_protocol`
 */
export function chooseProtocol(request: Request, known: readonly string[]): string | null {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    throw new Refusal('upgrade_required', 'Open this with a WebSocket client')
  }
  const offered = request.headers.get('sec-websocket-protocol')
  if (offered === null) return null
  const names = offered.split(',').map((name) => name.trim())
  const chosen = names.find((name) => known.includes(name))
  if (chosen === undefined) throw new Refusal('unknown_protocol', `Known subprotocols: ${known.join(', ')}`)
  return chosen
}
