import net from 'node:net'
import { clientFrame, upgradeRequest } from './websocket.ts'

// One buffer for all sockets: each read is consumed before the next begins, and 500 sockets cost no allocation at all.
const shared = Buffer.allocUnsafeSlow(1 << 18)

/** A WebSocket's wire after its handshake: raw bytes in, whole frames out. */
export class Socket {
  onBytes: (chunk: Buffer, start: number, end: number) => void = () => {}
  onEnd: (why: string) => void = () => {}
  /** Told that it has read, it reads no more before `resume`: for who reads now and then. */
  rests: (() => void) | undefined
  readonly #wire: net.Socket
  #answer = ''
  #open = false

  private constructor(url: URL, protocol: string | undefined, isCompressed: boolean, settle: (error?: Error) => void) {
    const take = (length: number): boolean => {
      if (this.#open) this.onBytes(shared, 0, length)
      else this.#shake(length, settle)
      if (this.rests === undefined) return true
      this.rests()
      return false
    }
    this.#wire = net.connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: { buffer: shared, callback: take },
    })
    this.#wire.on('connect', () => this.#wire.write(upgradeRequest(url, protocol, isCompressed)))
    this.#wire.on('error', (error) => {
      settle(error)
      this.onEnd(error.message)
    })
    this.#wire.on('close', () => {
      settle(new Error('closed within the handshake'))
      this.onEnd('closed')
    })
  }

  /** Resolves when the handshake is done; `attach` runs at that instant, so that no byte after it is missed. */
  static dial(
    url: URL,
    protocol: string | undefined,
    attach: (socket: Socket) => void,
    isCompressed = false,
  ): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = new Socket(url, protocol, isCompressed, (error) => {
        if (error) return reject(error)
        attach(socket)
        resolve(socket)
      })
    })
  }

  #shake(length: number, settle: (error?: Error) => void): void {
    this.#answer += shared.toString('latin1', 0, length)
    const end = this.#answer.indexOf('\r\n\r\n')
    if (end === -1) return
    if (!this.#answer.startsWith('HTTP/1.1 101')) {
      settle(new Error(`the handshake was refused: ${this.#answer.slice(0, 300)}`))
      this.#wire.destroy()
      return
    }
    this.#open = true
    const early = Buffer.from(this.#answer.slice(end + 4), 'latin1')
    this.#answer = ''
    settle()
    if (early.length > 0) this.onBytes(early, 0, early.length)
  }

  get backlog(): number {
    return this.#wire.writableLength
  }

  write(bytes: Buffer): void {
    this.#wire.write(bytes)
  }

  frame(opcode: number, payload: Buffer): void {
    this.#wire.write(clientFrame(opcode, payload))
  }

  resume(): void {
    this.#wire.resume()
  }

  destroy(): void {
    this.onEnd = () => {}
    this.#wire.destroy()
  }
}
