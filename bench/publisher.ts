import { keyOf, messageText } from './message.ts'
import type { Socket } from './socket.ts'
import type { Notices } from './subscriber.ts'
import { CLOSE, closeReason, FrameReader, headerSize, PING, PONG, TEXT, textFrame } from './websocket.ts'

export type Mode = 'plain' | 'holdline.v1'

const ACK = Buffer.from('"type":"ack"')
const ERROR = Buffer.from('"type":"error"')
const PROBE = Buffer.from('"type":"probe"')
const WELCOME = Buffer.from('"type":"welcome"')
// The protocol lets one message hold 256 operations.
const BATCH = 200

export class Publisher {
  published = 0
  acknowledged = 0
  refused = 0
  readonly socket: Socket
  readonly #number: number
  readonly #mode: Mode
  readonly #notices: Notices
  #pending: string[] = []

  constructor(socket: Socket, number: number, mode: Mode, notices: Notices) {
    this.socket = socket
    this.#number = number
    this.#mode = mode
    this.#notices = notices
    const reader = new FrameReader((buffer, start, end) => this.#take(buffer, start, end))
    socket.onBytes = (chunk, from, end) => {
      for (let at = from; at < end; ) at = reader.step(chunk, at, end)
    }
    socket.onEnd = (why) => notices.trouble(`a publisher's connection ended: ${why}`)
  }

  /** Queues this publisher's next message and returns its key; `flush` sends all that is queued. */
  queue(): number {
    const key = keyOf(this.#number, this.published++)
    const text = messageText(key)
    this.#pending.push(this.#mode === 'plain' ? text : `{"op":"publish","data":"${text}","echo":false}`)
    return key
  }

  flush(): void {
    const pending = this.#pending
    if (pending.length === 0) return
    this.#pending = []
    if (this.#mode === 'plain') {
      this.socket.write(Buffer.concat(pending.map(textFrame)))
      return
    }
    for (let i = 0; i < pending.length; i += BATCH) {
      this.socket.write(textFrame(`[${pending.slice(i, i + BATCH).join()}]`))
    }
  }

  #take(buffer: Buffer, start: number, end: number): void {
    const opcode = (buffer[start] as number) & 15
    const payload = start + headerSize(buffer, start)
    if (opcode === PING) this.socket.frame(PONG, buffer.subarray(payload, end))
    if (opcode === CLOSE) this.#notices.trouble(`a publisher was closed: ${closeReason(buffer.subarray(payload, end))}`)
    // A plain frame is another publisher's message: nothing to look for, and thousands of them a second.
    if (opcode !== TEXT || this.#mode === 'plain') return
    const frame = buffer.subarray(start, end)
    this.acknowledged += occurrences(frame, ACK)
    const refused = occurrences(frame, ERROR)
    if (refused > 0 && this.refused === 0)
      this.#notices.trouble(`a publish was refused: ${frame.toString('utf8', 4, 200)}`)
    this.refused += refused
    if (this.acknowledged === 0 && frame.includes(WELCOME)) {
      this.#notices.welcome(Number(/"heartbeat":(\d+)/.exec(frame.toString())?.[1] ?? 30))
    }
    if (frame.includes(PROBE)) {
      for (const [, n] of frame.toString().matchAll(/"type":"probe","n":(\d+)/g)) {
        this.socket.write(textFrame(`{"op":"probe","n":${n}}`))
      }
    }
  }
}

function occurrences(frame: Buffer, what: Buffer): number {
  let count = 0
  for (let at = frame.indexOf(what); at !== -1; at = frame.indexOf(what, at + what.length)) count++
  return count
}
