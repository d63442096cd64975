// The server that everybody writes first: each message is sent to each client by hand. A yardstick, not a straw man:
// compression is off, and `ws` itself is as fast as JavaScript libraries get.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

const rooms = new Map<string, Set<WebSocket>>()

const server = createServer((request, response) => {
  const room = /^\/v1\/rooms\/([^/]+)$/.exec(request.url ?? '')?.[1]
  const websocket = room === undefined ? 0 : (rooms.get(room)?.size ?? 0)
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ connections: { websocket } }))
})

new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (client, request) => {
  const name = request.url?.split('/')[3] ?? ''
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room.add(client))
  client.on('message', (data, binary) => {
    for (const other of room) {
      if (other !== client && other.readyState === WebSocket.OPEN) other.send(data, { binary })
    }
  })
  client.on('close', () => room.delete(client))
})

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`ws, by hand: http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('SIGTERM', () => process.exit())
