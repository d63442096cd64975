import type { Leg, RefuseUpgrade, RoomStub, Wire } from '../gateway/ports.ts'
import { Pack } from '../protocol/codec/index.ts'
import { Refusal } from '../protocol/errors.ts'
import { closingEvent } from '../protocol/events.ts'
import type { Hello } from '../room/ports.ts'
import type { RoomMethods } from './room-object.ts'

/** Carries what the gateway decided; nothing else of a client's request reaches the object. */
export const HELLO = 'holdline-hello'
/** With which code the object refused a wire that has no socket to close. */
export const REFUSED = 'holdline-refused'

/** A room as the Worker sees it. */
export function roomStub(rooms: DurableObjectNamespace<RoomMethods>, name: string): RoomStub {
  const stub = rooms.getByName(name)
  const call = (hello: Hello, protocol: string | null): Promise<Response> => {
    const headers = new Headers({ upgrade: 'websocket', [HELLO]: encodeURIComponent(JSON.stringify(hello)) })
    if (protocol !== null) headers.set('sec-websocket-protocol', protocol)
    return stub.fetch('https://room/', { headers })
  }
  return {
    async command(command) {
      try {
        return await stub.command(command)
      } catch (error) {
        // The object was reset, by a deploy or a failed write. Whether the commit stands is not known here.
        throw new Refusal('storage', `The room was reset before it answered; ask again under the same id (${error})`)
      }
    },
    async upgrade(_request, hello, protocol) {
      const response = await call(hello, protocol)
      // A response of another's has immutable headers: wrapped, it can leave through the app.
      return new Response(null, response)
    },
    async dial(hello, leg) {
      const response = await call(hello, null)
      const socket = response.webSocket
      if (socket !== null) return attach(socket, leg)
      const text = await response.text()
      const refused = response.headers.get(REFUSED)
      if (refused === null) leg.write(new Pack([text]))
      else leg.closed(Number(refused), text)
      return { drained() {}, close() {} }
    },
  }
}

function attach(socket: WebSocket, leg: Leg): Wire {
  // Listeners before accept(): what the room sent with the handshake is delivered at once.
  socket.addEventListener('message', ({ data }) => leg.write(new Pack([data as string])))
  socket.addEventListener('close', ({ code, reason }) => {
    close()
    leg.closed(code, reason)
  })
  socket.addEventListener('error', () => leg.closed(1006, 'the room was reset'))
  socket.accept()
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    socket.close(1000)
  }
  return { drained() {}, close }
}

export const refuse: RefuseUpgrade = (_request, { protocol, code, reason }) => {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
  server.accept()
  if (protocol === 'holdline.v1') server.send(`[${closingEvent(code, reason).json}]`)
  server.close(code, reason)
  return new Response(null, { status: 101, webSocket: client, headers: protocolHeader(protocol) })
}

/** Answers the subprotocol that was chosen, never another of those offered. */
export const protocolHeader = (protocol: string | null): Record<string, string> =>
  protocol === null ? {} : { 'sec-websocket-protocol': protocol }
