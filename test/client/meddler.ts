import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Random } from '../random.ts'

/** What a proxy may do that it should not. All of it can be changed while connections stand. */
export interface Faults {
  /** `refuse`: 403 in HTML. `hang`: the handshake is never answered. `swallow`: it is, and then nothing more comes, not even an end. */
  upgrades?: 'refuse' | 'hang' | 'swallow'
  /** `hold`: no byte of a stream is passed on before its end. */
  streams?: 'hold'
  /** Chance that a piece of an answer, or of a WebSocket's bytes, is the last that comes: by FIN or by RST. */
  cut?: number
  /** Chance that a request, or a handshake, is answered 502. */
  badGateway?: number
  /** Milliseconds after which it gives up on an answer that is not whole: 504, or by cutting it. WebSockets too. */
  patience?: number
  /** Headers of requests that it does not pass on. */
  strips?: readonly string[]
  /** Milliseconds by which its clock is ahead. */
  ahead?: number
}

/** Stands between a client and a gateway, and misbehaves as it is told. */
export class Meddler {
  faults: Faults
  readonly #target: URL
  readonly #random: Random
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()
  /** What it did, so that a test can tell that there was something to survive. */
  /** Pieces that came through before the first that was cut. */
  #spared = 0
  readonly done = { cut: 0, badGateway: 0, refused: 0, held: 0, swallowed: 0 }

  private constructor(target: string, faults: Faults, random: Random) {
    this.#target = new URL(target)
    this.faults = faults
    this.#random = random
    this.#server = createServer((incoming, response) => this.#pass(incoming, response))
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head))
    this.#server.on('connection', (socket) => this.#keep(socket))
  }

  static async start(target: string, faults: Faults, random: Random): Promise<Meddler> {
    const proxy = new Meddler(target, faults, random)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Cuts all that stands now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #keep<T extends Duplex>(socket: T): T {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }

  #isBad(): boolean {
    const isBad = this.#random.chance(this.faults.badGateway ?? 0)
    if (isBad) this.done.badGateway++
    return isBad
  }

  /** Whether it was. */
  #cuts(socket: Duplex): boolean {
    const { cut = 0 } = this.faults
    if (cut === 0) return false
    // However few pieces there are, one of them is cut: else nothing would have been tried.
    const isFirst = this.done.cut === 0 && ++this.#spared === 3
    if (!isFirst && !this.#random.chance(cut)) return false
    this.done.cut++
    if (this.#random.chance(0.5)) (socket as Socket).resetAndDestroy()
    else socket.destroy()
    return true
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    if (this.#isBad()) {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>')
      return
    }
    const { hostname, port } = this.#target
    const { strips = [], ahead, patience } = this.faults
    const { method, url: path } = incoming
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !strips.includes(name)))
    const outgoing = request({ hostname, port, method, headers, path, agent: false }, (answer) => {
      const date = ahead === undefined ? {} : { date: new Date(Date.now() + ahead).toUTCString() }
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...date })
      const isStream = `${answer.headers['content-type']}`.startsWith('text/event-stream')
      const held: Buffer[] = []
      if (isStream) response.flushHeaders()
      answer.on('data', (piece: Buffer) => {
        if (isStream && this.faults.streams === 'hold') this.done.held += held.push(piece) > 0 ? 1 : 0
        else if (!this.#cuts(incoming.socket)) response.write(piece)
      })
      answer.on('end', () => response.end(Buffer.concat(held)))
      answer.on('error', () => response.destroy())
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    if (patience !== undefined) this.#giveUp(patience, response)
    incoming.pipe(outgoing)
  }

  #giveUp(patience: number, response: ServerResponse): void {
    const timer = setTimeout(() => {
      if (response.headersSent) response.destroy()
      else response.writeHead(504, { 'content-type': 'text/html' }).end('<h1>Gateway Time-out</h1>')
    }, patience)
    response.on('close', () => clearTimeout(timer))
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#keep(socket)
    const { upgrades } = this.faults
    if (upgrades === 'refuse' || this.#isBad()) {
      this.done.refused++
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\nconnection: close\r\n\r\nno upgrades here')
      return
    }
    if (upgrades === 'hang') {
      this.done.refused++
      return
    }
    if (this.faults.patience !== undefined) {
      const timer = setTimeout(() => socket.destroy(), this.faults.patience)
      socket.on('close', () => clearTimeout(timer))
    }
    const upstream = this.#keep(connect(Number(this.#target.port), this.#target.hostname))
    const lines = incoming.rawHeaders.flatMap((name, i, all) => (i % 2 ? [] : [`${name}: ${all[i + 1]}`]))
    upstream.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    upstream.write(head)
    let isAnswered = false
    const pass = (from: Duplex, to: Duplex): void => {
      from.on('data', (piece: Buffer) => {
        if (!isAnswered && from === upstream) {
          // The answer to the handshake alone, whatever comes with it.
          const end = piece.indexOf('\r\n\r\n') + 4
          isAnswered = true
          to.write(piece.subarray(0, end))
          piece = piece.subarray(end)
          if (piece.length === 0) return
        }
        if (this.faults.upgrades === 'swallow') this.done.swallowed++
        else if (!this.#cuts(socket)) to.write(piece)
      })
      // A hole does not say that somebody has gone.
      from.on('close', () => this.faults.upgrades !== 'swallow' && to.destroy())
      from.on('end', () => this.faults.upgrades !== 'swallow' && to.end())
    }
    pass(socket, upstream)
    pass(upstream, socket)
  }
}
