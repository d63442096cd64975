import { performance } from 'node:perf_hooks'
import type { Dialect } from './dialect.ts'
import type { Feed } from './feed.ts'
import type { Socket } from './socket.ts'
import { CLOSE, closeReason, FrameReader, headerSize, PING, PONG, TEXT, textFrame } from './websocket.ts'

export interface Notices {
  welcome(): void
  trouble(what: string): void
  /** Called with each read, so that publishing keeps its beat while the generator drinks from the fire hose. */
  beat(now: number): void
}

/** Counts every message of one subscriber: by comparison with the feed, and by reading where it goes its own way. */
export class Subscriber {
  received = 0
  /** Frames that had to be read because they were no copy of the feed's. */
  readAlone = 0
  readonly socket: Socket
  /** What it hears is told as heard when it came; else it is only counted: it reads now and then. */
  readonly #isPrompt: boolean
  readonly #feed: Feed
  readonly #dialect: Dialect
  readonly #notices: Notices
  readonly #reader: FrameReader
  /** The place in the feed up to which this stream is the same, possibly within a frame; -1: out of step. */
  #position = 0
  #frame = 0
  #now = 0

  constructor(socket: Socket, feed: Feed, dialect: Dialect, notices: Notices, isPrompt = true) {
    this.#isPrompt = isPrompt
    this.socket = socket
    this.#feed = feed
    this.#dialect = dialect
    this.#notices = notices
    this.#reader = new FrameReader((buffer, start, end) => this.#take(buffer, start, end))
    socket.onBytes = (chunk, start, end) => this.#receive(chunk, start, end)
    socket.onEnd = (why) => notices.trouble(`a subscriber's connection ended: ${why}`)
  }

  #receive(chunk: Buffer, from: number, end: number): void {
    this.#now = this.#isPrompt ? performance.now() : Number.NaN
    let start = from
    while (start < end) {
      const matched = this.#reader.holding ? 0 : this.#match(chunk, start, end)
      start = matched > 0 ? start + matched : this.#reader.step(chunk, start, end)
    }
    this.#notices.beat(this.#isPrompt ? this.#now : performance.now())
  }

  #match(chunk: Buffer, start: number, end: number): number {
    const feed = this.#feed
    if (this.#position === -1) return 0
    const length = Math.min(end - start, feed.length - this.#position)
    if (length === 0) return 0
    if (chunk.compare(feed.bytes, this.#position, this.#position + length, start, start + length) !== 0) {
      const boundary = this.#frame === 0 ? 0 : (feed.ends[this.#frame - 1] as number)
      if (this.#position > boundary) this.#reader.hold(feed.bytes, boundary, this.#position)
      this.#position = boundary
      return 0
    }
    this.#position += length
    this.#advance()
    return length
  }

  #advance(): void {
    const { ends, counts, keys, tally } = this.#feed
    while (this.#frame < ends.length && (ends[this.#frame] as number) <= this.#position) {
      const count = counts[this.#frame++] as number
      for (; this.received < count; this.received++) tally.arrived(keys[this.received] as number, this.#now)
    }
  }

  #take(buffer: Buffer, start: number, end: number): void {
    const feed = this.#feed
    const at = this.#position
    const size = end - start
    if (
      at !== -1 &&
      feed.ends[this.#frame] === at + size &&
      buffer.compare(feed.bytes, at, at + size, start, end) === 0
    ) {
      this.#position += size
      this.#advance()
      return
    }
    const keys = feed.read(buffer, start, end)
    if (keys.length === 0) {
      this.#control(buffer, start, end)
    } else if (at !== -1 && at === feed.length) {
      feed.append(buffer, start, end, keys)
      this.#position = feed.length
      this.#advance()
    } else {
      this.#alone(keys)
    }
  }

  #alone(keys: number[]): void {
    const feed = this.#feed
    this.readAlone++
    for (const key of keys) {
      const known = feed.keys[this.received++]
      if (known !== undefined && known !== key) feed.tally.disorder++
      feed.tally.arrived(key, this.#now)
    }
    this.#frame = feed.frameAfter(this.received)
    this.#position = this.#frame === -1 ? -1 : this.#frame === 0 ? 0 : (feed.ends[this.#frame - 1] as number)
  }

  #control(buffer: Buffer, start: number, end: number): void {
    const opcode = (buffer[start] as number) & 15
    const payload = buffer.subarray(start + headerSize(buffer, start), end)
    if (opcode === PING) this.socket.frame(PONG, payload)
    if (opcode === CLOSE) this.#notices.trouble(`a subscriber was closed: ${closeReason(payload)}`)
    if (opcode !== TEXT || !this.#dialect.greets) return
    const { welcome, trouble } = this.#dialect.hear(payload.toString(), (text) => this.socket.write(textFrame(text)))
    if (welcome) this.#notices.welcome()
    if (trouble !== undefined) this.#notices.trouble(`a subscriber was told: ${trouble}`)
  }
}
