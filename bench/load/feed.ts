import { constants, inflateRawSync } from 'node:zlib'
import { readKeys, senderOf, sequenceOf } from './message.ts'
import type { Arrivals } from './tally.ts'
import { headerSize } from './websocket.ts'

/** RFC 7692: the mark of a compressed message, and what is cut off its end. */
const COMPRESSED = 0x40
const TAIL = Buffer.from([0, 0, 0xff, 0xff])

/**
 * What the room sends to its subscribers, as bytes, written by whichever subscriber comes first.
 * All others get the same bytes, and comparing them is twenty times cheaper than reading them again.
 */
export class Feed {
  bytes = Buffer.allocUnsafeSlow(1 << 16)
  length = 0
  /** Where each frame ends, and how many messages there are up to that end. */
  readonly ends: number[] = []
  readonly counts: number[] = []
  readonly keys: number[] = []
  readonly #next: number[] = []
  readonly #scratch: number[] = []
  readonly tally: Arrivals

  constructor(tally: Arrivals) {
    this.tally = tally
  }

  read(buffer: Buffer, start: number, end: number): number[] {
    this.#scratch.length = 0
    const payload = start + headerSize(buffer, start)
    if (((buffer[start] as number) & COMPRESSED) === 0) readKeys(buffer, payload, end, this.#scratch)
    else {
      const text = inflateRawSync(Buffer.concat([buffer.subarray(payload, end), TAIL]), {
        finishFlush: constants.Z_SYNC_FLUSH,
      })
      readKeys(text, 0, text.length, this.#scratch)
    }
    return this.#scratch
  }

  append(buffer: Buffer, start: number, end: number, keys: number[]): void {
    const length = this.length + end - start
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(this.bytes.length * 2)
      this.bytes.copy(grown, 0, 0, this.length)
      this.bytes = grown
    }
    buffer.copy(this.bytes, this.length, start, end)
    this.length = length
    for (const key of keys) {
      const sender = senderOf(key)
      // A hole is no disorder: the message was refused, or will be missed at the end.
      if (sequenceOf(key) < (this.#next[sender] ?? 0)) this.tally.disorder++
      this.#next[sender] = sequenceOf(key) + 1
      this.keys.push(key)
    }
    this.ends.push(length)
    this.counts.push(this.keys.length)
  }

  /** The frame that begins right after `count` messages, or -1 when no frame does. */
  frameAfter(count: number): number {
    if (count === 0) return 0
    let low = 0
    let high = this.counts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.counts[middle] as number) < count) low = middle + 1
      else high = middle
    }
    return this.counts[low] === count ? low + 1 : -1
  }
}
