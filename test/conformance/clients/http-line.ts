import { connect, type Socket } from 'node:net'
import { atEnd } from './ends.ts'
import type { ServerEvent } from './events.ts'
import type { Body } from './http.ts'
import { Inbox } from './inbox.ts'

interface Response extends Body {
  http: number
  head: string
  events: ServerEvent[]
}

/** One connection of HTTP/1.1 that is kept, written to by hand: what no client library would send, and in what pieces. */
export class HttpLine {
  readonly socket: Socket
  readonly #host: string
  readonly #responses = new Inbox<Response>('a line of HTTP')
  #held = Buffer.alloc(0)

  constructor(base: string) {
    const { hostname, port, host } = new URL(base)
    this.#host = host
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.socket.on('data', (bytes) => this.#take(bytes))
    this.socket.on('error', () => {})
    this.socket.on('close', () => this.#responses.end('closed'))
    atEnd(() => void this.socket.destroy())
  }

  /** A request as it goes over the line. */
  get(path: string, headers: Record<string, string> = {}): string {
    const lines = Object.entries({ host: this.#host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
  }

  write(text: string): void {
    this.socket.write(text)
  }

  /** What is answered next. */
  next(): Promise<Response> {
    return this.#responses.next()
  }

  ask(path: string, headers?: Record<string, string>): Promise<Response> {
    this.write(this.get(path, headers))
    return this.next()
  }

  #take(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes])
    for (;;) {
      const end = this.#held.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = this.#held.toString('latin1', 0, end)
      const body = bodyOf(head, this.#held.subarray(end + 4))
      if (body === undefined) return
      this.#held = this.#held.subarray(end + 4 + body.taken)
      const json = /^content-type: *application\/(problem\+)?json/im.test(head) ? (JSON.parse(body.text) as Body) : {}
      this.#responses.push({ events: [], ...json, http: Number(head.slice(9, 12)), head })
    }
  }
}

/** Undefined: it has not all come. */
function bodyOf(head: string, bytes: Buffer): { text: string; taken: number } | undefined {
  const [, length] = /^content-length: *(\d+)/im.exec(head) ?? []
  if (length !== undefined) {
    if (bytes.length < Number(length)) return undefined
    return { text: bytes.toString('utf8', 0, Number(length)), taken: Number(length) }
  }
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (bytes.length < line + 2 + size + 2) return undefined
    at = line + 2 + size + 2
    if (size === 0) return { text: Buffer.concat(pieces).toString(), taken: at }
    pieces.push(bytes.subarray(line + 2, line + 2 + size))
  }
}
