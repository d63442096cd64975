import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { atEnd } from './ends.ts'
import type { Where } from './http.ts'
import { PATIENCE } from './inbox.ts'
import { socketUrl } from './websocket.ts'

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9 } as const

/** One masked frame of RFC 6455, as a client sends it. */
export function frame(payload: string | Uint8Array, opcode: number = OPCODE.text): Buffer {
  const body = Buffer.from(payload)
  const long = body.length < 126 ? 0 : body.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + long)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (long === 0 ? body.length : long === 2 ? 126 : 127)
  if (long === 2) head.writeUInt16BE(body.length, 2)
  if (long === 8) head.writeBigUInt64BE(BigInt(body.length), 2)
  const mask = randomBytes(4)
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ (mask[i % 4] as number))])
}

/** A client below WebSocket: what no library would send, and when no library would. */
export class RawClient {
  readonly socket: Socket
  readonly gone: Promise<void>
  #received = Buffer.alloc(0)
  #wake = () => {}

  /** `localAddress`: where it comes from, if that matters. */
  constructor(base: string, localAddress?: string) {
    const { hostname, port } = new URL(base)
    this.socket = connect({ host: hostname, port: Number(port), ...(localAddress !== undefined && { localAddress }) })
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    // To be cut off is what most of its users are after.
    this.socket.on('error', () => {})
    this.gone = new Promise((resolve) => this.socket.once('close', () => resolve()))
    atEnd(() => void this.socket.destroy())
  }

  write(...pieces: (string | Uint8Array)[]): void {
    this.socket.write(Buffer.concat(pieces.map((piece) => Buffer.from(piece))))
  }

  /** Until that text has come, among whatever else. */
  async until(text: string): Promise<string> {
    const late = AbortSignal.timeout(PATIENCE)
    while (!this.#received.includes(text)) {
      if (late.aborted) throw new Error(`no ${text} in ${this.#received}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        late.addEventListener('abort', () => resolve())
      })
    }
    return this.#received.toString()
  }
}

export function handshake(base: string, where: Where, headers: Record<string, string> = {}): string {
  const { host, pathname, search } = new URL(socketUrl(base, where))
  const all = {
    host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`
}

export const FRAMED_HEADER = { 'sec-websocket-protocol': 'holdline.v1' }
