import type { Socket } from 'node:net'
import type { Repoll } from '../../gateway/transports/repoll.ts'
import { Head } from './head.ts'
import type { Template } from './template.ts'

/** A poll that was answered, and how it is asked again. */
export interface Answered {
  readonly repoll: Repoll
  readonly headers: Headers
}

interface Known extends Answered {
  readonly template: Template
  readonly head: Head
}

export interface PollLineOptions {
  /** What reads all else that comes. */
  parse(bytes: Buffer): void
  /** Bytes that may wait while a poll is held. */
  readonly most: number
  /** How long the connection may rest (ms). */
  readonly patience: number
  /** One more poll is held, or one less: it was answered, and the answer taken, or nobody is there to take it. */
  held(change: 1 | -1): void
}

/**
 * A connection over which a client polls. What comes over it comes here first: a poll that is the last one with another
 * cursor is asked by itself, and all else goes on to Node's parser. With nothing behind it, a poll through Node's HTTP costs
 * 30 µs, and 22 over a bare socket (2026-11).
 */
export class PollLine {
  readonly #socket: Socket
  readonly #options: PollLineOptions
  #known: Known | undefined
  /** What goes to the parser now, and how often something has. */
  #handed: Buffer | undefined
  #count = 0
  #isHeld = false
  #leave: (() => void) | undefined
  /** What has come while a poll is held. */
  #later: Buffer[] = []
  #size = 0

  constructor(socket: Socket, options: PollLineOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('close', () => {
      this.#leave?.()
      this.#hold(false)
    })
  }

  /**
   * The parser has read a request. If it is all that was handed to it, it begins and ends there, and so does what has the
   * same bytes: returned is how it is made known once it was answered. Unless something has come since.
   */
  read(template: Template): ((answered: Answered) => void) | undefined {
    if (this.#handed === undefined || !template.isOf(this.#handed)) return undefined
    const count = this.#count
    return (answered) => {
      if (count !== this.#count) return
      this.#known = { ...answered, template, head: new Head(200, answered.headers, this.#options.patience) }
    }
  }

  readonly take = (bytes: Buffer): void => {
    if (this.#isHeld) this.#keep(bytes)
    else if (!this.#ask(bytes)) this.#hand(bytes)
  }

  #ask(bytes: Buffer): boolean {
    const known = this.#known
    const cursor = known?.template.cursorIn(bytes)
    if (known === undefined || cursor === undefined) return false
    this.#hold(true)
    const leave = known.repoll(cursor, (answer, request) => {
      if (typeof answer === 'string') this.#answer(known.head, answer, request)
      else this.#respond(answer, known.headers, request).catch(() => this.#socket.destroy())
    })
    if (leave === null) this.#hold(false)
    else if (this.#isHeld) this.#leave = leave
    return leave !== null
  }

  #hand(bytes: Buffer): void {
    this.#known = undefined
    this.#count++
    this.#handed = bytes
    try {
      this.#options.parse(bytes)
    } finally {
      this.#handed = undefined
    }
  }

  /** One who asks one thing before the other is answered is read when it is. */
  #keep(bytes: Buffer): void {
    this.#later.push(bytes)
    this.#size += bytes.length
    if (this.#size > this.#options.most) this.#socket.destroy()
  }

  #hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#options.held(isHeld ? 1 : -1)
  }

  #answer(head: Head, text: string, request: string): void {
    const socket = this.#socket
    this.#leave = undefined
    if (!socket.writable) return
    const size = Buffer.byteLength(text)
    // Text of which each character is one byte costs less to write.
    const isRead = socket.write(head.before(size, request) + text, size === text.length ? 'latin1' : 'utf8')
    if (isRead && this.#later.length === 0) this.#hold(false)
    else if (isRead) process.nextTick(() => this.#goOn())
    else {
      // Who does not read is not read either.
      socket.pause()
      socket.once('drain', () => this.#goOn())
    }
  }

  #goOn(): void {
    this.#hold(false)
    this.#socket.resume()
    if (this.#later.length === 0) return
    this.#size = 0
    this.take(Buffer.concat(this.#later.splice(0)))
  }

  /** A refusal: what the answers before it said besides, to a page of another origin, stands in it too. */
  async #respond(response: Response, before: Headers, request: string): Promise<void> {
    const headers = new Headers(before)
    for (const [name, value] of response.headers) headers.set(name, value)
    this.#answer(new Head(response.status, headers, this.#options.patience), await response.text(), request)
  }
}
