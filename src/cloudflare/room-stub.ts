import { retryAfter } from '../gateway/advice.ts'
import type { Leg, RefuseUpgrade, RoomStub, Wire } from '../gateway/ports.ts'
import { Pack } from '../protocol/codec/index.ts'
import { mayComeBack } from '../protocol/codes.ts'
import { Refusal } from '../protocol/errors.ts'
import { closingEvent } from '../protocol/events.ts'
import type { Tell } from '../protocol/journal.ts'
import type { Hello, Reply } from '../room/ports.ts'
import { creditOf } from './connection.ts'
import type { RoomMethods } from './room-object.ts'

/** Carries what the gateway decided; nothing else of a client's request reaches the object. */
export const HELLO = 'holdline-hello'
/** With which code the object refused a wire that has no socket to close. */
export const REFUSED = 'holdline-refused'

/** A room as the Worker sees it. */
export function roomStub(rooms: DurableObjectNamespace<RoomMethods>, name: string, tell: Tell): RoomStub {
  const orReset = orResetBy(name, tell)
  const stub = rooms.getByName(name)
  const call = (hello: Hello, protocol: string | null): Promise<Response> => {
    const headers = new Headers({ upgrade: 'websocket', [HELLO]: encodeURIComponent(JSON.stringify(hello)) })
    if (protocol !== null) headers.set('sec-websocket-protocol', protocol)
    return stub.fetch('https://room/', { headers })
  }
  return {
    command: (command) => orReset<Reply>(stub.command(command) as unknown as Promise<Reply>),
    async upgrade(request, hello, protocol) {
      const response = await orReset(call(hello, protocol))
      const code = response.headers.get(REFUSED)
      // Closed here and not by the object, whose TCP side would linger until it sleeps.
      if (code !== null) return refuse(request, { protocol, code: Number(code), reason: await response.text() })
      // A response of another's has immutable headers: wrapped, it can leave through the app.
      return new Response(null, response)
    },
    async dial(hello, leg) {
      const response = await orReset(call(hello, null))
      const socket = response.webSocket
      if (socket !== null) return attach(socket, leg)
      const text = await response.text()
      const code = response.headers.get(REFUSED)
      if (code === null) leg.write(new Pack([text]))
      else leg.closed(Number(code), text)
      return { send: () => false, drained() {}, close() {} }
    },
  }
}

/** A deploy or a failed write resets the object, and what was asked of it is lost on the way. */
const orResetBy =
  (room: string, tell: Tell) =>
  async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      tell('warn', 'A room was reset before it answered', { room, error })
      throw new Refusal('storage', 'The room was reset before it answered; ask again under the same id')
    }
  }

function attach(socket: WebSocket, leg: Leg): Wire {
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    socket.close(1000)
  }
  // Listeners before accept(): what the room sent with the handshake is delivered at once.
  socket.addEventListener('message', ({ data }) => leg.write(new Pack([data as string])))
  socket.addEventListener('close', ({ code, reason }) => {
    close()
    leg.closed(code, reason)
  })
  socket.addEventListener('error', () => leg.closed(1006, 'the room was reset'))
  socket.accept()
  const send = (text: string): boolean => {
    if (socket.readyState !== WebSocket.OPEN || creditOf(socket) <= 0) return false
    socket.send(text)
    return true
  }
  return { send, drained() {}, close }
}

export const refuse: RefuseUpgrade = (_request, { protocol, code, reason }) => {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
  server.accept()
  if (protocol === 'holdline.v1')
    server.send(`[${closingEvent(code, reason, mayComeBack(code) ? retryAfter() : undefined).json}]`)
  server.close(code, reason)
  return new Response(null, { status: 101, webSocket: client, headers: protocolHeader(protocol) })
}

/** Answers the subprotocol that was chosen, never another of those offered. */
export const protocolHeader = (protocol: string | null): Record<string, string> =>
  protocol === null ? {} : { 'sec-websocket-protocol': protocol }
