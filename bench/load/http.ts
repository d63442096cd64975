import net from 'node:net'

const shared = Buffer.allocUnsafeSlow(1 << 18)
const BREAK = Buffer.from('\r\n\r\n')

/** A response that came whole. `bytes` are good only until the callback returns. */
export interface Answer {
  readonly status: number
  readonly head: string
  readonly bytes: Buffer
}

/**
 * One kept-alive HTTP/1.1 connection, one request at a time, written and read by hand: what comes with Node costs more
 * CPU per request than the servers that are measured.
 */
export class HttpWire {
  readonly #wire: net.Socket
  #held = Buffer.alloc(0)
  #answered: ((answer: Answer) => void) | undefined
  onEnd: (why: string) => void = () => {}

  private constructor(wire: net.Socket) {
    this.#wire = wire
  }

  static open(address: string): Promise<HttpWire> {
    const { hostname, port } = new URL(address)
    return new Promise((resolve, reject) => {
      const wire = net.connect({
        host: hostname,
        port: Number(port),
        noDelay: true,
        onread: {
          buffer: shared,
          callback: (length) => {
            http.#take(shared.subarray(0, length))
            return true
          },
        },
      })
      const http = new HttpWire(wire)
      wire.once('connect', () => resolve(http))
      wire.on('error', (error) => {
        reject(error)
        http.onEnd(error.message)
      })
      wire.on('close', () => http.onEnd('closed'))
    })
  }

  ask(request: string | Buffer, answered: (answer: Answer) => void): void {
    this.#answered = answered
    this.#wire.write(request)
  }

  destroy(): void {
    this.onEnd = () => {}
    this.#answered = undefined
    this.#wire.destroy()
  }

  #take(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const end = bytes.indexOf(BREAK)
    const head = end === -1 ? '' : bytes.toString('latin1', 0, end)
    const length = Number(
      /^content-length: *(\d+)/im.exec(head)?.[1] ?? (end === -1 ? Number.NaN : chunked(bytes, end + 4)),
    )
    if (!(bytes.length >= end + 4 + length)) {
      this.#held = Buffer.from(bytes)
      return
    }
    this.#held = this.#held.length === 0 ? this.#held : Buffer.alloc(0)
    const answered = this.#answered
    this.#answered = undefined
    answered?.({ status: Number(head.slice(9, 12)), head, bytes: bytes.subarray(end + 4, end + 4 + length) })
  }
}

/** How long a chunked body is, its marks with it; NaN: it has not all come. */
function chunked(bytes: Buffer, from: number): number {
  const last = bytes.indexOf('0\r\n\r\n', from)
  return last === -1 ? Number.NaN : last + 5 - from
}
