import type { Pack } from '../../src/protocol/codec/index.ts'
import type { Attachment, Connection } from '../../src/room/ports.ts'
import type { Faults } from './faults.ts'

type Packet = { readonly frame: string; readonly size: number } | { readonly code: number }

/** Who is at the client's end. */
export interface Client {
  frame(wire: Wire, frame: string): void
  /** No code: it was cut. */
  closed(wire: Wire, code?: number): void
}

/**
 * One connection with the network between its ends: what is sent waits until it is let arrive, either end may go, and
 * the other hears of it later.
 */
export class Wire implements Connection {
  readonly client: Client
  readonly toClient: Packet[] = []
  readonly toServer: string[] = []
  attachment!: Attachment
  /** The client's end is there. */
  isUp = true
  /** The room has not closed it. */
  isOpen = true
  isStalled = false
  /** A poll's answer is on its way. */
  isAnswered = false
  /** What the gateway does when a poll is answered, or it is closed. */
  onEnd: (() => void) | undefined
  readonly #faults: Faults
  readonly #bound: number
  #owed = 0

  constructor(client: Client, faults: Faults, bound: number) {
    this.client = client
    this.#faults = faults
    this.#bound = bound
  }

  attach(attachment: Attachment): void {
    // As the edge stores it: what does not survive JSON would not survive a sleep.
    this.attachment = JSON.parse(JSON.stringify(attachment))
  }

  write(pack: Pack): void {
    if (!this.isOpen || this.isAnswered) return
    this.#faults.hit('send')
    for (const frame of pack.frames) this.toClient.push({ frame: frame as string, size: frame.length })
    this.#owed += pack.size
    if (this.attachment.codec !== 'poll') return
    this.isAnswered = true
    this.onEnd?.()
  }

  credit(): number {
    return this.#bound - this.#owed
  }

  confirm(): void {}

  close(code: number): void {
    if (!this.isOpen) return
    this.isOpen = false
    if (this.isAnswered) return
    this.toClient.push({ code })
    this.onEnd?.()
  }

  /** Nothing more will be written to it. */
  get isEnded(): boolean {
    return this.isAnswered || !this.isOpen
  }

  /** The client's end sends. */
  send(text: string): void {
    if (this.isUp) this.toServer.push(text)
  }

  /** The next of what is on its way arrives at the client. */
  arrive(): void {
    const packet = this.toClient.shift()
    if (packet === undefined || !this.isUp) return
    if ('code' in packet) {
      this.isUp = false
      this.client.closed(this, packet.code)
      return
    }
    this.#owed -= packet.size
    this.client.frame(this, packet.frame)
  }

  /** The client's end goes. Of what it sent, the first so many may yet arrive; of what it was sent, nothing. */
  cut(arriving: number): void {
    if (!this.isUp) return
    this.isUp = false
    this.toServer.splice(arriving)
    this.toClient.length = 0
    this.client.closed(this)
  }
}
