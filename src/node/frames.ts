import { constants, deflateRawSync } from 'node:zlib'
import type { Frame } from '../protocol/codec/index.ts'

/** Smaller ones hardly shrink: the default of `ws` (bytes). */
const WORTH = 1024
/** RFC 7692 section 7.2.1: what ends a flushed block is not sent. */
const TAIL = 4
const COMPRESSED = 0x40

/** Frames as bytes, each way made once, for all who receive them. */
export class Framed {
  readonly #frames: readonly Frame[]
  #plain: Buffer | undefined
  #deflated: Buffer | undefined

  constructor(frames: readonly Frame[]) {
    this.#frames = frames
  }

  get plain(): Buffer {
    this.#plain ??= inPlace(this.#frames)
    return this.#plain
  }

  /**
   * For those who take permessage-deflate (RFC 7692). No context is taken over from one message to the next, so what one
   * of them is sent is what all of them are.
   */
  get deflated(): Buffer {
    this.#deflated ??= Buffer.concat(
      this.#frames.flatMap((frame) => {
        const bytes = bytesOf(frame)
        const isWorth = bytes.length >= WORTH
        const payload = isWorth ? deflated(bytes) : bytes
        return [header(payload.length, kindOf(frame) | (isWorth ? COMPRESSED : 0)), payload]
      }),
    )
    return this.#deflated
  }
}

const kindOf = (frame: Frame): number => (typeof frame === 'string' ? 1 : 2)

const bytesOf = (frame: Frame): Buffer =>
  typeof frame === 'string' ? Buffer.from(frame) : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)

/** Each text is encoded where it goes: whoever comes is greeted with one of their own. */
function inPlace(frames: readonly Frame[]): Buffer {
  const parts = frames.map((frame) => {
    const length = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength
    return { frame, length, header: header(length, kindOf(frame)) }
  })
  const whole = Buffer.allocUnsafe(parts.reduce((sum, { header, length }) => sum + header.length + length, 0))
  let at = 0
  for (const { frame, length, header } of parts) {
    whole.set(header, at)
    at += header.length
    if (typeof frame === 'string') whole.write(frame, at)
    else whole.set(frame, at)
    at += length
  }
  return whole
}

function deflated(payload: Buffer): Buffer {
  // In this turn: what is written next must not overtake it. A pack has 64 KiB, about a millisecond.
  const whole = deflateRawSync(payload, { level: 1, finishFlush: constants.Z_SYNC_FLUSH })
  return whole.subarray(0, whole.length - TAIL)
}

/** RFC 6455 section 5.2: a final frame from a server, unmasked. */
function header(length: number, kind: number): Buffer {
  const first = 0x80 | kind
  if (length < 126) return Buffer.from([first, length])
  if (length < 65_536) return Buffer.from([first, 126, length >> 8, length & 0xff])
  const long = Buffer.alloc(10)
  long[0] = first
  long[1] = 127
  long.writeBigUInt64BE(BigInt(length), 2)
  return long
}
