import type { AcceptSocket, SocketHandler } from '../gateway/ports.ts'
import { closeReason, isSendable } from '../protocol/codes.ts'
import { creditOf } from './connection.ts'
import { protocolHeader } from './room-stub.ts'

/** Accepts a client's WebSocket in the Worker, which so holds it: the rooms that it follows can sleep. */
export const hold: AcceptSocket = (_request, protocol, handle) => {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
  server.binaryType = 'arraybuffer'
  let handler: SocketHandler | undefined
  server.addEventListener('message', ({ data }) => {
    handler?.message(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
  })
  server.addEventListener('close', ({ code, reason }) => {
    handler?.closed()
    if (server.readyState !== WebSocket.CLOSING) return
    if (isSendable(code)) server.close(code, reason)
    else server.close()
  })
  server.addEventListener('error', () => handler?.closed())
  server.accept()
  handler = handle({
    send(text) {
      if (server.readyState === WebSocket.OPEN) server.send(text)
    },
    credit: () => creditOf(server),
    close(code, reason) {
      if (server.readyState === WebSocket.OPEN) server.close(code, closeReason(reason))
    },
  })
  return new Response(null, { status: 101, webSocket: client, headers: protocolHeader(protocol) })
}
