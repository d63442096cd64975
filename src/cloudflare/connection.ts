import { codecs, type Pack } from '../protocol/codec/index.ts'
import { closeReason, isSendable } from '../protocol/codes.ts'
import { probeEvent } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Attachment, Connection } from '../room/ports.ts'

/** What a socket still takes. From workerd 1.20261117 on; before it, what one holds cannot be seen. */
export const creditOf = ({ bufferedAmount }: WebSocket): number =>
  typeof bufferedAmount === 'number' ? LIMITS.ahead - bufferedAmount : LIMITS.ahead

/** What may be owed: little by one of many rooms that share a client, since the gateway holds what that has not read. */
const aheadOf = ({ codec }: Attachment): number => (codec === 'lines' ? LIMITS.page : LIMITS.ahead)

/** A hibernatable WebSocket: a client's own, or one that a Worker dialled for a poll or a stream. */
export class SocketConnection implements Connection {
  readonly #socket: WebSocket
  /** Does the socket tell what it holds? From workerd 1.20261117 on; before it, a framed client is asked (WS-6). */
  readonly #tells: boolean
  attachment: Attachment
  // Bytes sent, asked about and confirmed. After a sleep they begin at nothing, as a connection does that owes nothing.
  #sent = 0
  #probed = 0
  #confirmed = 0

  constructor(socket: WebSocket) {
    this.#socket = socket
    this.#tells = typeof socket.bufferedAmount === 'number'
    this.attachment = socket.deserializeAttachment() as Attachment
  }

  attach(attachment: Attachment): void {
    this.attachment = attachment
    this.#socket.serializeAttachment(attachment)
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  write(pack: Pack): void {
    // send() on a socket that is closing throws, and getWebSockets() lists those too.
    if (!this.isOpen) return
    for (const frame of pack.frames) this.#socket.send(frame)
    if (!this.#isAsked) return
    this.#sent += pack.size
    const { codec } = this.attachment
    if (this.#sent - this.#probed < (codec === 'lines' ? LIMITS.probe / 4 : LIMITS.probe)) return
    this.#probed = this.#sent
    for (const frame of codecs[codec].encode([probeEvent(this.#sent)], '', '')) this.#socket.send(frame)
  }

  credit(): number {
    if (!this.#isAsked) return creditOf(this.#socket)
    return aheadOf(this.attachment) - (this.#sent - this.#confirmed)
  }

  /** A gateway that joins rooms always is: its socket drains, however slowly its client reads. */
  get #isAsked(): boolean {
    const { codec } = this.attachment
    return codec === 'lines' || (codec === 'framed' && !this.#tells)
  }

  confirm(n: number): void {
    this.#confirmed = Math.max(this.#confirmed, Math.min(n, this.#sent))
  }

  close(code: number, reason: string): void {
    if (this.isOpen) this.#socket.close(isSendable(code) ? code : 1000, closeReason(reason))
  }
}

/**
 * A wire while the room decides about it: what it has to say at once it says without a socket, if it is a poll, or else
 * as the first that the socket sends. Asking first and dialling after would lose what comes between the two
 * (300 of 300 forced races did).
 */
export class PendingConnection implements Connection {
  attachment!: Attachment
  readonly packs: Pack[] = []
  refused: { code: number; reason: string } | undefined
  #socket: SocketConnection | undefined

  attach(attachment: Attachment): void {
    this.attachment = attachment
    this.#socket?.attach(attachment)
  }

  get isOpen(): boolean {
    return this.#socket?.isOpen ?? this.refused === undefined
  }

  /** From now on it is this socket. */
  hold(socket: WebSocket): void {
    this.#socket = new SocketConnection(socket)
    this.#socket.attach(this.attachment)
    for (const pack of this.packs.splice(0)) this.#socket.write(pack)
  }

  write(pack: Pack): void {
    if (this.#socket === undefined) this.packs.push(pack)
    else this.#socket.write(pack)
  }

  credit(): number {
    if (this.#socket !== undefined) return this.#socket.credit()
    return aheadOf(this.attachment) - this.packs.reduce((sum, { size }) => sum + size, 0)
  }

  confirm(n: number): void {
    this.#socket?.confirm(n)
  }

  close(code: number, reason: string): void {
    if (this.#socket === undefined) this.refused ??= { code, reason }
    else this.#socket.close(code, reason)
  }
}
