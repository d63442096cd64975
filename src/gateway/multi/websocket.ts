import { Refusal } from '../../protocol/errors.ts'
import type { Query } from '../parameters.ts'
import type { Runtime } from '../ports.ts'
import { chooseProtocol, orRefuse } from '../transports/websocket.ts'
import { readAsked } from './asked.ts'
import { Multiplexed } from './multiplexed.ts'

/** `GET /v1/ws?rooms=` (MULTI-5 to MULTI-8). */
export async function websocketRooms(request: Request, query: Query, runtime: Runtime): Promise<Response> {
  const protocol = chooseProtocol(request, ['holdline.v1'])
  return orRefuse(request, protocol, runtime, async () => {
    if (protocol === null) {
      throw new Refusal(
        'unknown_protocol',
        'Several rooms need holdline.v1: a plain connection could not tell them apart',
      )
    }
    const asked = readAsked(query, runtime.roomsPerConnection)
    return runtime.accept(request, protocol, (socket) => new Multiplexed(socket, asked, runtime))
  })
}
