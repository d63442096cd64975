import type { IncomingMessage, Server } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { RefuseUpgrade } from '../gateway/ports.ts'
import { closingEvent } from '../protocol/events.ts'
import { frameLimit } from '../protocol/limits.ts'
import type { Hello } from '../room/ports.ts'
import { WebSocketConnection } from './connection.ts'
import type { LocalRoom } from './local-room.ts'

interface Handshake {
  readonly incoming: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** What a route answers that has taken the socket over: there is nothing left to answer. */
const TAKEN = new Response(null, { status: 204 })

/**
 * Lets routes of the app accept WebSockets. Hono's helper for it costs 12 kB per idle connection over bare `ws`
 * (19.8 against 7.1, measured), which is most of what an idle connection weighs.
 */
export class Upgrades {
  readonly #server: WebSocketServer
  readonly #handshakes = new WeakMap<Request, Handshake>()

  constructor(payloadLimit: number) {
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: frameLimit(payloadLimit),
    })
  }

  /** Routes the upgrade requests of a server through the app. */
  listen(server: Server, app: (request: Request) => Response | Promise<Response>): void {
    server.on('upgrade', async (incoming, socket, head) => {
      socket.on('error', () => socket.destroy())
      try {
        const request = toRequest(incoming)
        this.#handshakes.set(request, { incoming, socket, head })
        const response = await app(request)
        if (response !== TAKEN) await refuse(socket, response)
      } catch {
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      }
    })
  }

  /** Accepts the request's WebSocket for a room. */
  accept(request: Request, room: LocalRoom, hello: Hello, protocol: string | null): Response {
    this.#handle(request, protocol, (ws, socket) => {
      const connection = new WebSocketConnection(ws, socket)
      ws.on('message', (data: Buffer, isBinary: boolean) =>
        room.received(connection, isBinary ? data : data.toString()),
      )
      ws.on('close', () => room.closed(connection))
      // A malformed or oversize frame: `ws` closes with the code that RFC 6455 has for it, and 'close' follows.
      ws.on('error', () => {})
      socket.on('drain', () => room.drained(connection))
      room.attach(connection, hello)
    })
    return TAKEN
  }

  readonly refuse: RefuseUpgrade = (request, { protocol, code, reason }) => {
    this.#handle(request, protocol, (ws) => {
      ws.on('error', () => {})
      if (protocol === 'holdline.v1') ws.send(`[${closingEvent(code, reason).json}]`)
      ws.close(code, reason)
    })
    return TAKEN
  }

  #handle(request: Request, protocol: string | null, use: (ws: import('ws').WebSocket, socket: Duplex) => void): void {
    const handshake = this.#handshakes.get(request)
    if (handshake === undefined) throw new Error('Only an upgrade request can be upgraded')
    const { incoming, socket, head } = handshake
    // `ws` answers the first subprotocol that was offered; the gateway has chosen.
    if (protocol !== null) incoming.headers['sec-websocket-protocol'] = protocol
    this.#server.handleUpgrade(incoming, socket, head, (ws) => use(ws, socket))
  }
}

function toRequest({ headers, url = '/' }: IncomingMessage): Request {
  const copied = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const each of [value ?? []].flat()) copied.append(name, each)
  }
  return new Request(new URL(url, `http://${headers.host ?? 'localhost'}`), { headers: copied })
}

async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const status = `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\n`
  socket.write(`${status}${headers}content-length: ${body.length}\r\nconnection: close\r\n\r\n`)
  socket.end(body)
}
