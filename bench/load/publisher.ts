import type { Dialect } from './dialect.ts'
import { keyOf, messageText } from './message.ts'
import type { Socket } from './socket.ts'
import type { Notices } from './subscriber.ts'
import { CLOSE, closeReason, FrameReader, headerSize, PING, PONG, TEXT, textFrame } from './websocket.ts'

export class Publisher {
  published = 0
  acknowledged = 0
  refused = 0
  readonly socket: Socket
  readonly #number: number
  readonly #dialect: Dialect
  readonly #notices: Notices
  #pending: string[] = []

  constructor(socket: Socket, number: number, dialect: Dialect, notices: Notices) {
    this.socket = socket
    this.#number = number
    this.#dialect = dialect
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
    this.#pending.push(messageText(key))
    return key
  }

  flush(): void {
    if (this.#pending.length === 0) return
    this.socket.write(this.#dialect.frames(this.#pending))
    this.#pending = []
  }

  #take(buffer: Buffer, start: number, end: number): void {
    const opcode = (buffer[start] as number) & 15
    const payload = start + headerSize(buffer, start)
    if (opcode === PING) this.socket.frame(PONG, buffer.subarray(payload, end))
    if (opcode === CLOSE) this.#notices.trouble(`a publisher was closed: ${closeReason(buffer.subarray(payload, end))}`)
    // Without greetings and acknowledgements it is another publisher's message, thousands of them a second.
    if (opcode !== TEXT || !this.#dialect.greets) return
    const { welcome, acknowledged, refused, trouble } = this.#dialect.hear(
      buffer.toString('utf8', payload, end),
      (text) => this.socket.write(textFrame(text)),
    )
    this.acknowledged += acknowledged ?? 0
    this.refused += refused ?? 0
    if (welcome) this.#notices.welcome()
    if (trouble !== undefined) this.#notices.trouble(`a publisher was told: ${trouble}`)
  }
}
