import { CLOSE, closeReason } from '../../protocol/codes.ts'
import { type ErrorCode, isTransient, Refusal } from '../../protocol/errors.ts'
import { roomName } from '../../protocol/names.ts'
import { type Runtime, SUBPROTOCOLS } from '../ports.ts'
import { presenceOf, type Query, sessionOf, startOf } from '../query.ts'

/** `GET /v1/rooms/:room/ws` (WS-1 to WS-10, PLAIN-1 to PLAIN-3). */
export async function websocket(request: Request, room: string, query: Query, runtime: Runtime): Promise<Response> {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    throw new Refusal('upgrade_required', 'Open this with a WebSocket client')
  }
  const protocol = choose(request.headers.get('sec-websocket-protocol'))
  const codec = protocol === null ? 'plain' : (SUBPROTOCOLS[protocol] ?? 'plain')
  try {
    const name = roomName(room)
    const hello = {
      kind: 'websocket',
      codec,
      ...startOf(query),
      ...presenceOf(query),
      ...(await sessionOf(name, query)),
    } as const
    return await runtime.room(name).upgrade(request, hello, protocol)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'upgrade_required') throw error
    const reason = closeReason(`${error.code}: ${error.message}`)
    return runtime.refuse(request, { protocol, code: closeCodeOf(error.code), reason })
  }
}

/** The first offered subprotocol that is known; null when none was offered. */
function choose(offered: string | null): string | null {
  if (offered === null) return null
  const names = offered.split(',').map((name) => name.trim())
  const known = names.find((name) => Object.hasOwn(SUBPROTOCOLS, name))
  if (known === undefined) {
    throw new Refusal('unknown_protocol', `Known subprotocols: ${Object.keys(SUBPROTOCOLS).join(', ')}`)
  }
  return known
}

/** How a refusal is said by a close: what may succeed later is one to come back from. */
const closeCodeOf = (code: ErrorCode): number =>
  code === 'storage'
    ? CLOSE.storage
    : code === 'draining'
      ? CLOSE.drain
      : isTransient(code)
        ? CLOSE.rate
        : CLOSE.protocol
