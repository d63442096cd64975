import net from 'node:net'
import { readKeys } from './message.ts'

const shared = Buffer.allocUnsafeSlow(1 << 18)

/** One that follows a room by Server-Sent Events. A message is looked for within a line, so how it is chunked is all one. */
export class Stream {
  received = 0
  onMessage: (key: number, now: number) => void = () => {}
  onEnd: (why: string) => void = () => {}
  readonly #wire: net.Socket
  readonly #keys: number[] = []
  #held: Buffer | undefined

  private constructor(address: string, path: string, opened: (error?: Error) => void) {
    const { hostname, port, host } = new URL(address)
    this.#wire = net.connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length) => {
          opened()
          this.#take(shared.subarray(0, length))
          return true
        },
      },
    })
    this.#wire.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`)
    this.#wire.on('error', (error) => {
      opened(error)
      this.onEnd(error.message)
    })
    this.#wire.on('close', () => this.onEnd('closed'))
  }

  /** Resolves with the first that it is sent. */
  static open(address: string, path: string): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const stream = new Stream(address, path, (error) => (error ? reject(error) : resolve(stream)))
    })
  }

  destroy(): void {
    this.onEnd = () => {}
    this.#wire.destroy()
  }

  #take(chunk: Buffer): void {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    const end = bytes.lastIndexOf(10) + 1
    this.#held = end === bytes.length ? undefined : Buffer.from(bytes.subarray(end))
    this.#keys.length = 0
    readKeys(bytes, 0, end, this.#keys)
    const now = performance.now()
    for (const key of this.#keys) {
      this.received++
      this.onMessage(key, now)
    }
  }
}
