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
 * A poll while the room decides whether it can be answered at once: then it never becomes a socket. Asking first and
 * dialling after would lose what comes between the two (300 of 300 forced races did).
 */
export class PendingPoll implements Connection {
  attachment!: Attachment
  answer: string | undefined
  refused: { code: number; reason: string } | undefined
  #socket: SocketConnection | undefined

  attach(attachment: Attachment): void {
    this.attachment = attachment
    this.#socket?.attach(attachment)
  }

  /** It was not answered: from now on it is held over this socket. */
  hold(socket: SocketConnection): void {
    this.#socket = socket
    socket.attach(this.attachment)
  }

  write(pack: Pack): void {
    if (this.#socket === undefined) this.answer ??= pack.frames.join('')
    else this.#socket.write(pack)
  }

  credit(): number {
    return LIMITS.ahead
  }

  close(code: number, reason: string): void {
    if (this.#socket === undefined) this.refused ??= { code, reason }
    else this.#socket.close(code, reason)
  }
}
