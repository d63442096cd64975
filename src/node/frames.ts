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
    this.#plain ??= joined(this.#frames, (payload) => [0, payload])
    return this.#plain
  }

  /**
   * For those who take permessage-deflate (RFC 7692). No context is taken over from one message to the next, so what one
   * of them is sent is what all of them are.
   */
  get deflated(): Buffer {
    this.#deflated ??= joined(this.#frames, (payload) =>
      payload.length < WORTH ? [0, payload] : [COMPRESSED, deflated(payload)],
    )
    return this.#deflated
  }
}

function joined(frames: readonly Frame[], pack: (payload: Buffer) => readonly [flag: number, payload: Buffer]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const isText = typeof frame === 'string'
      const bytes = isText ? Buffer.from(frame) : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
      const [flag, payload] = pack(bytes)
      return [header(payload.length, flag | (isText ? 1 : 2)), payload]
    }),
  )
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
