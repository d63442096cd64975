import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { AcceptSocket, RefuseUpgrade, SocketHandler } from '../gateway/ports.ts'
import { toProblem } from '../gateway/respond.ts'
import { closeReason } from '../protocol/codes.ts'
import { Refusal } from '../protocol/errors.ts'
import { frameLimit, LIMITS } from '../protocol/limits.ts'
import type { Hello } from '../room/ports.ts'
import { ClientSocket } from './client-socket.ts'
import { refuse, WebSocketConnection } from './connection.ts'
import { toRequest } from './handshake.ts'
import { Heartbeat } from './heartbeat.ts'
import type { LocalRoom } from './local-room.ts'
import { isPing, Pongs } from './pongs.ts'

interface Handshake {
  readonly incoming: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  /** The route has taken the socket over: there is nothing left to answer. */
  taken: boolean
}

/** How long a refused client may keep its half of the connection open (ms). */
const LINGER = 1000

/**
 * Which requests the upgrade path is for. Clients offer `h2c` on any request, and Node would hand those over too, their
 * method and body lost: they are answered as if they had not. By the path alone: what is held otherwise asks more of its
 * request than `toRequest` makes.
 */
export const isWebSocket = ({ method, headers, url = '' }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /^[^?#]*\/ws(\?|$)/.test(url)

/**
 * Lets routes of the app accept WebSockets. Hono's helper for it costs 12 kB per idle connection over bare `ws`
 * (19.8 against 7.1, measured), which is most of what an idle connection weighs.
 */
export class Upgrades {
  readonly #server: InstanceType<typeof WebSocketServer<typeof ClientSocket>>
  readonly #handshakes = new WeakMap<Request, Handshake>()
  readonly #heartbeat: Heartbeat
  readonly #pongs = new Pongs()
  readonly #held = new Set<SocketHandler>()
  /** Those whose handshake is under way. */
  readonly #coming = new Set<Duplex>()
  #isDraining = false
  readonly #report: (error: unknown) => void
  readonly #closed: (code: number) => void

  /** `closed` is told the close code of each that no room has closed: it was let in nowhere, or has vanished. */
  constructor(
    { payload, compression }: { readonly payload: number; readonly compression: boolean },
    report: (error: unknown) => void,
    closed: (code: number) => void,
  ) {
    this.#report = report
    this.#closed = closed
    this.#heartbeat = new Heartbeat(closed)
    this.#server = new WebSocketServer({
      noServer: true,
      WebSocket: ClientSocket,
      clientTracking: false,
      // What one is sent is what all are: nothing of it may stand on what was sent before.
      perMessageDeflate: compression && { serverNoContextTakeover: true, clientNoContextTakeover: true },
      maxPayload: frameLimit(payload),
    })
  }

  /** Routes the upgrade requests of a server through the app. */
  listen(server: Server, app: (request: Request, incoming: IncomingMessage) => Response | Promise<Response>): void {
    server.on('upgrade', async (incoming, socket, head) => {
      socket.on('error', destroy)
      this.#coming.add(socket)
      const handshake: Handshake = { incoming, socket, head, taken: false }
      try {
        const request = toRequest(incoming)
        this.#handshakes.set(request, handshake)
        const response = await app(request, incoming)
        if (!handshake.taken) await answer(socket, response)
      } catch (error) {
        await answer(socket, toProblem(error, this.#report))
      } finally {
        this.#coming.delete(socket)
      }
    })
  }

  /** Accepts the request's WebSocket for a room. */
  accept(request: Request, room: LocalRoom, hello: Hello, protocol: string | null): Response {
    return this.#handle(request, protocol, (ws, socket) => {
      const connection = new WebSocketConnection(ws, socket, hello.codec === 'framed')
      ws.on('message', (data: Buffer, isBinary: boolean) => {
        this.#heartbeat.heard(ws)
        // Whether one who does not read is still to be answered, its room knows.
        if (!isBinary && isPing(data) && connection.credit() > 0) this.#pongs.answer(connection)
        else room.received(connection, isBinary ? data : data.toString())
      })
      ws.on('close', () => room.closed(connection))
      socket.on('drain', () => room.drained(connection))
      room.attach(connection, hello)
    })
  }

  /** Accepts a WebSocket that the gateway holds by itself. */
  readonly hold: AcceptSocket = (request, protocol, handle) => {
    if (this.#isDraining) throw new Refusal('draining', 'The gateway goes down; come back in a moment')
    return this.#handle(request, protocol, (ws, socket) => {
      const handler = handle({
        // Compressing it would take until later, unseen by what it may be owed.
        send: (text) => ws.send(text, { compress: false }),
        credit: () => LIMITS.ahead - socket.writableLength,
        close: (code, reason) => ws.close(code, closeReason(reason)),
      })
      this.#held.add(handler)
      ws.on('message', (data: Buffer, isBinary: boolean) => {
        this.#heartbeat.heard(ws)
        handler.message(isBinary ? data : data.toString())
      })
      ws.on('close', () => {
        this.#held.delete(handler)
        handler.closed()
      })
      socket.on('drain', () => handler.drained())
    })
  }

  /** Holds nobody any more, and sends those away that the gateway holds by itself, if no room of theirs has. */
  drain(): void {
    this.#isDraining = true
    for (const handler of this.#held) handler.sendAway()
  }

  readonly refuse: RefuseUpgrade = (request, { protocol, code, reason }) =>
    this.#handle(request, protocol, (ws) => {
      this.#closed(code)
      refuse(ws, protocol === 'holdline.v1', code, reason)
    })

  /** Resolves when every WebSocket is gone; those that do not answer their close within `patience` (ms) are cut off. */
  closed(patience: number): Promise<void> {
    return this.#heartbeat.closed(patience)
  }

  /** Cuts off whoever is still there, or on the way in. */
  cut(): void {
    this.#heartbeat.cut()
    for (const socket of this.#coming) socket.destroy()
  }

  #handle(request: Request, protocol: string | null, use: (ws: ClientSocket, socket: Duplex) => void): Response {
    const handshake = this.#handshakes.get(request)
    if (handshake === undefined) throw new Refusal('upgrade_required', 'Open this with a WebSocket client')
    const { incoming, socket, head } = handshake
    // `ws` answers the first subprotocol that was offered; the gateway has chosen.
    if (protocol !== null) incoming.headers['sec-websocket-protocol'] = protocol
    // Frames are compressed once for all, with the largest window: who cannot have that gets them as they are.
    if (incoming.headers['sec-websocket-extensions']?.includes('server_max_window_bits'))
      delete incoming.headers['sec-websocket-extensions']
    handshake.taken = true
    // The answer and what is said first leave in one write: a write that wakes its reader costs 15 µs and more.
    socket.cork()
    this.#server.handleUpgrade(incoming, socket, head, (ws) => {
      // A malformed or oversize frame: `ws` closes with the code that RFC 6455 has for it, and 'close' follows. One listener
      // for all: one that was made here would weigh as long as its connection is there.
      ws.on('error', ignore)
      // `ws` has its own.
      socket.off('error', destroy)
      this.#heartbeat.watch(ws)
      use(ws, socket)
    })
    socket.uncork()
    return new Response(null, { status: 204 })
  }
}

function destroy(this: Duplex): void {
  this.destroy()
}

function ignore(): void {}

async function answer(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const status = `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\n`
  socket.write(`${status}${headers}content-length: ${body.length}\r\nconnection: close\r\n\r\n`)
  socket.end(body)
  // No timeout of the HTTP server's applies to it any more.
  setTimeout(() => socket.destroy(), LINGER).unref()
}
