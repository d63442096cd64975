import { randomBytes } from 'node:crypto'

export const TEXT = 1
export const CLOSE = 8
export const PING = 9
export const PONG = 10

export function upgradeRequest(url: URL, protocol: string | undefined, isCompressed = false): string {
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
  ]
  if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`)
  if (isCompressed) lines.push('Sec-WebSocket-Extensions: permessage-deflate')
  return `${lines.join('\r\n')}\r\n\r\n`
}

export function headerSize(buffer: Buffer, start: number): number {
  const length = (buffer[start + 1] as number) & 127
  return length < 126 ? 2 : length === 126 ? 4 : 10
}

/** The frame's whole size or, while too little of it is there to tell, how many bytes it takes to know more. */
export function frameSize(buffer: Buffer, start: number, end: number): number {
  if (end - start < 2) return 2
  const header = headerSize(buffer, start)
  if (end - start < header) return header
  if (header === 2) return 2 + ((buffer[start + 1] as number) & 127)
  if (header === 4) return 4 + buffer.readUInt16BE(start + 2)
  return 10 + buffer.readUInt32BE(start + 2) * 2 ** 32 + buffer.readUInt32BE(start + 6)
}

/** A client's frame. The mask is never zero, because servers skip the unmasking of a zero mask and would look too good. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + 4 + length)
  frame[0] = 0x80 | opcode
  if (header === 2) frame[1] = 0x80 | length
  else if (header === 4) {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 0x80 | 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  const mask = [0x4b, 0xe1, 0x96, 0x2d] as const
  frame.set(mask, header)
  const body = header + 4
  for (let i = 0; i < length; i++) frame[body + i] = (payload[i] as number) ^ (mask[i & 3] as number)
  return frame
}

export const textFrame = (text: string): Buffer => clientFrame(TEXT, Buffer.from(text))

export function closeReason(payload: Buffer): string {
  return payload.length < 2 ? '1005' : `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`
}

/** Cuts a stream into frames; only a frame that arrives in pieces is ever copied. */
export class FrameReader {
  #held = Buffer.allocUnsafe(0)
  #length = 0
  readonly #onFrame: (buffer: Buffer, start: number, end: number) => void

  constructor(onFrame: (buffer: Buffer, start: number, end: number) => void) {
    this.#onFrame = onFrame
  }

  get holding(): boolean {
    return this.#length > 0
  }

  /** Takes one frame, or the piece of one that is there, and returns where the next begins. */
  step(chunk: Buffer, start: number, end: number): number {
    if (this.#length === 0) {
      const next = start + frameSize(chunk, start, end)
      if (next > end || end - start < 2 || end - start < headerSize(chunk, start)) {
        this.hold(chunk, start, end)
        return end
      }
      this.#onFrame(chunk, start, next)
      return next
    }
    let at = start
    for (;;) {
      const size = frameSize(this.#held, 0, this.#length)
      if (this.#length >= 2 && this.#length >= headerSize(this.#held, 0) && this.#length === size) {
        this.#length = 0
        this.#onFrame(this.#held, 0, size)
        return at
      }
      if (at === end) return end
      const taken = Math.min(size - this.#length, end - at)
      this.hold(chunk, at, at + taken)
      at += taken
    }
  }

  hold(from: Buffer, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, length * 2))
      this.#held.copy(grown, 0, 0, this.#length)
      this.#held = grown
    }
    from.copy(this.#held, this.#length, start, end)
    this.#length = length
  }
}
