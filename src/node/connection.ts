import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { retryAfter } from '../gateway/advice.ts'
import type { Leg } from '../gateway/ports.ts'
import type { Pack } from '../protocol/codec/index.ts'
import { closeReason, isSendable, mayComeBack } from '../protocol/codes.ts'
import { closingEvent, PONG_TEXT } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import { Link } from '../room/chain.ts'
import type { Member } from '../room/members.ts'
import type { Attachment, Connection } from '../room/ports.ts'
import type { ClientSocket } from './client-socket.ts'
import { Framed } from './frames.ts'

const PONG = new Framed([PONG_TEXT]).plain

/** Base of what a room writes to on Node. The attachment needs no storage: the room is reborn in the same process. */
export abstract class LocalConnection implements Connection {
  attachment!: Attachment
  member: Member | undefined = undefined
  /** Its place among those of its room. */
  readonly here = new Link<LocalConnection>(this)

  attach(attachment: Attachment): void {
    this.attachment = attachment
  }

  /** The socket's own buffer tells what has not been read: nothing is probed here. */
  confirm(): void {}

  abstract readonly isOpen: boolean
  abstract write(pack: Pack): void
  abstract credit(): number
  abstract close(code: number, reason: string, retryAfter?: number): void
}

/**
 * A client's WebSocket. Packs go to the socket as bytes that were framed once for all receivers: `ws.send` would make
 * them anew for each. What `ws` itself writes are whole frames, at once and uncompressed, so the two do not interleave.
 */
export class WebSocketConnection extends LocalConnection {
  readonly #ws: ClientSocket
  readonly #socket: Duplex
  readonly #isFramed: boolean
  #isGreeted = false
  readonly #isCompressed: boolean
  /** Its ping is answered in a moment, and before anything else that it is sent. */
  owesPong = false

  constructor(ws: ClientSocket, socket: Duplex, isFramed: boolean) {
    super()
    this.#ws = ws
    this.#socket = socket
    this.#isFramed = isFramed
    this.#isCompressed = ws.extensions === 'permessage-deflate'
    ws.debtor = this
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  write(pack: Pack): void {
    if (!this.isOpen) return
    this.#isGreeted = true
    if (this.owesPong) this.payPong()
    pack.wire ??= new Framed(pack.frames)
    const framed = pack.wire as Framed
    this.#socket.write(this.#isCompressed ? framed.deflated : framed.plain)
  }

  pong(): void {
    if (this.isOpen) this.#socket.write(PONG)
  }

  payPong(): void {
    if (!this.owesPong) return
    this.owesPong = false
    this.pong()
  }

  credit(): number {
    return LIMITS.ahead - this.#socket.writableLength
  }

  close(code: number, reason: string): void {
    // A room says why to those whom it has let in, and these it has greeted.
    if (!this.#isGreeted) refuse(this.#ws, this.#isFramed, code, closeReason(reason))
    else this.#ws.close(isSendable(code) ? code : 1000, closeReason(reason))
  }
}

/** Ends one that was not let in, and tells it when to come back, if it may (WS-8). */
export function refuse(ws: WebSocket, isFramed: boolean, code: number, reason: string): void {
  const event = closingEvent(code, reason, mayComeBack(code) ? retryAfter() : undefined)
  // Compressing it would take until later.
  if (isFramed) ws.send(`[${event.json}]`, { compress: false })
  ws.close(code, reason)
}

/** A wire that the gateway holds: a poll, a stream or a TCP client. */
export class LegConnection extends LocalConnection {
  readonly #leg: Pick<Leg, 'write' | 'credit'>
  readonly #closed: Leg['closed']
  readonly #waiting: (() => void)[] = []
  #read: (() => void) | undefined

  /** Closed, it is gone in the same call. */
  readonly isOpen = true

  constructor(leg: Pick<Leg, 'write' | 'credit'>, closed: Leg['closed']) {
    super()
    this.#leg = leg
    this.#closed = closed
  }

  override attach(attachment: Attachment): void {
    super.attach(attachment)
    this.#read?.()
    if (attachment.at === undefined) for (const done of this.#waiting.splice(0)) done()
  }

  /** A page is being read for it: resolves when it has been, or was not to be. */
  read(): Promise<void> {
    return new Promise((resolve) => {
      this.#read = resolve
    })
  }

  /** Resolves when it has all that there is; never, if it goes before. */
  caughtUp(): Promise<void> {
    if (this.attachment.at === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  write(pack: Pack): void {
    this.#leg.write(pack)
  }

  credit(): number {
    return this.#leg.credit()
  }

  close(code: number, reason: string, retryAfter?: number): void {
    this.#closed(code, reason, retryAfter)
    this.#read?.()
  }
}
