import type { Pack } from '../protocol/codec/index.ts'
import { closeReason, isSendable } from '../protocol/codes.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Attachment, Connection } from '../room/ports.ts'

/** A hibernatable WebSocket: a client's own, or one that a Worker dialled for a poll or a stream. */
export class SocketConnection implements Connection {
  readonly #socket: WebSocket
  attachment: Attachment

  constructor(socket: WebSocket) {
    this.#socket = socket
    this.attachment = socket.deserializeAttachment() as Attachment
  }

  attach(attachment: Attachment): void {
    this.attachment = attachment
    this.#socket.serializeAttachment(attachment)
  }

  write(pack: Pack): void {
    // send() on a socket that is closing throws, and getWebSockets() lists those too.
    if (this.#socket.readyState !== WebSocket.OPEN) return
    for (const frame of pack.frames) this.#socket.send(frame)
  }

  credit(): number {
    // From workerd 1.20261117 on; before it, what the socket holds cannot be seen.
    const { bufferedAmount } = this.#socket
    return typeof bufferedAmount === 'number' ? LIMITS.ahead - bufferedAmount : LIMITS.ahead
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.close(isSendable(code) ? code : 1000, closeReason(reason))
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
    return LIMITS.ahead - this.packs.reduce((sum, { size }) => sum + size, 0)
  }

  close(code: number, reason: string): void {
    if (this.#socket === undefined) this.refused ??= { code, reason }
    else this.#socket.close(code, reason)
  }
}
