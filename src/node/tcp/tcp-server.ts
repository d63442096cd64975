import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { retryAfter } from '../../gateway/advice.ts'
import { CLOSE } from '../../protocol/codes.ts'
import { closingEvent } from '../../protocol/events.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Clients } from '../clients.ts'
import type { Certificate } from '../tls.ts'
import { LINGER, Line, type LineHost } from './line.ts'

/** Two missed pings and the time that one may take (ms). */
const SILENCE = (2 * LIMITS.heartbeat + 5) * 1000

export interface TcpOptions extends Omit<LineHost, 'open'> {
  /** Lets the client in, from that address, that sent this first line. @throws Refusal */
  open(line: string, from: string, leg: Line): ReturnType<LineHost['open']>
  readonly clients: Clients
  /** Connections at once. */
  readonly connections: number
  readonly certificate?: Certificate
}

/** Listens for TCP clients and keeps them (TCP-1 to TCP-8). */
export class TcpServer {
  readonly #options: TcpOptions
  readonly #server: Server
  readonly #lines = new Map<Line, Socket>()
  #beat: NodeJS.Timeout | undefined
  #whenEmpty: (() => void) | undefined

  constructor(options: TcpOptions) {
    this.#options = options
    const { certificate, clients, patience } = options
    const isSecured = certificate !== undefined
    // A half that a client has closed is the end of what it says, and not of what it hears.
    const halves = { allowHalfOpen: true }
    this.#server = isSecured
      ? createTlsServer({ ...halves, ...certificate, handshakeTimeout: patience })
      : createServer(halves)
    clients.watch(this.#server, isSecured, (socket) => refuse(socket, 'too many connections from this address'))
    this.#server.on(isSecured ? 'secureConnection' : 'connection', (socket: Socket) => this.#accept(socket))
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, resolve)
    })
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo
  }

  /** Takes nobody in any more, and sends those away that no room has. */
  drain(): void {
    this.#server.close()
    for (const line of this.#lines.keys()) line.end(CLOSE.drain, 'drain')
  }

  /** Resolves when all are gone; those that are left after `patience` (ms) are cut off. */
  async closed(patience: number): Promise<void> {
    if (this.#lines.size === 0) return
    const cut = setTimeout(() => {
      for (const socket of this.#lines.values()) socket.destroy()
    }, patience)
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    clearTimeout(cut)
  }

  #accept(socket: Socket): void {
    // To be cut off is nothing to report; 'close' follows.
    socket.on('error', () => socket.destroy())
    // Refused already, or gone during its handshake.
    if (!socket.writable) return
    if (this.#lines.size < this.#options.connections) this.#keep(socket)
    else refuse(socket, 'the gateway has all the TCP connections that it takes')
  }

  #keep(socket: Socket): void {
    const { clients, open, ...host } = this.#options
    const from = clients.addressOf(socket, null) ?? ''
    socket.setNoDelay(true)
    // Finds out about those that vanished without a word and never ping.
    socket.setKeepAlive(true, LIMITS.heartbeat * 1000)
    const line = new Line(socket, { ...host, open: (first) => open(first, from, line) })
    this.#lines.set(line, socket)
    this.#beat ??= setInterval(() => this.#dropSilent(), LIMITS.heartbeat * 1000).unref()
    socket.once('close', () => this.#left(line))
  }

  #left(line: Line): void {
    this.#lines.delete(line)
    if (this.#lines.size > 0) return
    clearInterval(this.#beat)
    this.#beat = undefined
    this.#whenEmpty?.()
  }

  #dropSilent(): void {
    const since = Date.now() - SILENCE
    for (const line of this.#lines.keys()) if (line.isSilent(since)) line.end(CLOSE.silent, 'silent')
  }
}

function refuse(socket: Socket, reason: string): void {
  socket.on('error', () => socket.destroy())
  socket.end(`${closingEvent(CLOSE.rate, reason, retryAfter()).json}\n`)
  // Unread, what it has sent would have the system throw away what is on its way to it.
  socket.resume()
  setTimeout(() => socket.destroy(), LINGER).unref()
}
