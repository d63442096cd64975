import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import { closeCodeOf } from '../../gateway/access/handshake.ts'
import { endOf } from '../../gateway/multi/ends.ts'
import type { Leg, Wire } from '../../gateway/ports.ts'
import type { Pack } from '../../protocol/codec/index.ts'
import { CLOSE, closeReason, DONE, NOT_UTF8, TOO_BIG } from '../../protocol/codes.ts'
import { Refusal } from '../../protocol/errors.ts'
import { closingEvent, PING_TEXT } from '../../protocol/events.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { LineReader } from './line-reader.ts'

export interface LineHost {
  /** Lets the client in that sent this first line. @throws Refusal */
  open(line: string, leg: Leg): Promise<Wire>
  /** The most bytes of a line, and of the first one. */
  readonly most: number
  readonly firstMost: number
  /** How long the first line may take (ms). */
  readonly patience: number
  report(error: unknown): void
}

/** How long one that was sent away may keep its half open when it has been sent all (ms). */
export const LINGER = 1000
const CLOSING = '{"type":"closing"'

/** A TCP client, from its first line to its end (TCP-1 to TCP-6). */
export class Line implements Leg {
  readonly #socket: Socket
  readonly #host: LineHost
  readonly #reader = new LineReader()
  #wire: Wire | undefined
  #state: 'waiting' | 'opening' | 'open' | 'over' = 'waiting'
  /** It has sent its end: nothing more comes, and it reads on. */
  #isDone = false
  #hasSaidWhy = false
  readonly #late: NodeJS.Timeout
  /** When it last said something (ms); undefined: it has never pinged. */
  #heardAt: number | undefined

  constructor(socket: Socket, host: LineHost) {
    this.#socket = socket
    this.#host = host
    this.#late = setTimeout(() => this.end(CLOSE.silent, 'silent'), host.patience)
    socket.on('data', (piece) => this.#received(piece))
    socket.on('end', () => this.#finished())
    socket.on('drain', () => this.#wire?.drained())
    socket.on('close', () => this.#gone())
  }

  /** Has it pinged once, and said nothing since then (ms)? Whether who never pings is there, the system asks. */
  isSilent(since: number): boolean {
    return this.#heardAt !== undefined && this.#heardAt < since
  }

  // ---- What the room calls ----

  write(pack: Pack): void {
    if (this.#state === 'over') return
    // Alone in its pack, and the last.
    this.#hasSaidWhy = `${pack.frames[0]}`.startsWith(CLOSING)
    pack.wire ??= Buffer.from(pack.frames.join(''))
    this.#socket.write(pack.wire as Buffer)
  }

  credit(): number {
    return LIMITS.ahead - this.#socket.writableLength
  }

  closed(code: number, reason: string): void {
    this.end(code, reason)
  }

  // ---- How it goes ----

  /** Sends it away, saying why unless it has been told or asked for it. */
  end(code: number, reason: string): void {
    if (this.#state === 'over') return
    const end = endOf(code, reason)
    this.#gone()
    const isTold = this.#hasSaidWhy || code === DONE
    if (isTold) this.#socket.end()
    else this.#socket.end(`${closingEvent(code, closeReason(reason), end.retryAfter).json}\n`)
    // What it still sends is not taken; unread, it would have the system throw away what is on its way to it.
    this.#socket.removeAllListeners('data').resume()
    const cut = () => this.#socket.destroy()
    const latest = setTimeout(cut, LIMITS.patience).unref()
    this.#socket.once('finish', () => setTimeout(cut, LINGER).unref())
    this.#socket.once('close', () => clearTimeout(latest))
  }

  #received(piece: Buffer): void {
    this.#reader.add(piece)
    if (this.#state !== 'opening') this.#read()
  }

  #read(): void {
    while (this.#state === 'waiting' || this.#state === 'open') {
      const line = this.#reader.next()
      if ((line?.length ?? this.#reader.begun) > this.#most) this.end(TOO_BIG, 'too_large')
      else if (line === undefined) break
      else this.#take(line)
    }
    if (this.#isDone) this.#finished()
  }

  get #most(): number {
    return this.#state === 'waiting' ? this.#host.firstMost : this.#host.most
  }

  #take(line: Buffer): void {
    if (this.#heardAt !== undefined) this.#heardAt = Date.now()
    if (line.length === 0) return
    const text = line.toString()
    if (text === PING_TEXT) this.#heardAt = Date.now()
    if (!isUtf8(line)) this.end(NOT_UTF8, 'not_unicode')
    else if (this.#state === 'waiting') void this.#open(text)
    else this.#wire?.send(text)
  }

  async #open(line: string): Promise<void> {
    clearTimeout(this.#late)
    this.#state = 'opening'
    // What comes meanwhile waits in the socket.
    this.#socket.pause()
    try {
      const wire = await this.#host.open(line, this)
      // Ended meanwhile, by the client, the room or the gateway.
      if (this.#isOver) return wire.close()
      this.#wire = wire
      this.#state = 'open'
      this.#read()
      this.#socket.resume()
    } catch (error) {
      if (error instanceof Refusal) return this.end(closeCodeOf(error.code), `${error.code}: ${error.message}`)
      this.#host.report(error)
      this.end(CLOSE.storage, 'storage')
    }
  }

  get #isOver(): boolean {
    return this.#state === 'over'
  }

  /** TCP-5: a last line needs no end, and all are answered. */
  #finished(): void {
    this.#isDone = true
    if (this.#state === 'opening' || this.#state === 'over') return
    const line = this.#reader.last()
    if (line.length > 0) this.#take(line)
    if (this.#state === 'open') this.#wire?.finish?.()
    else if (this.#state === 'waiting') this.end(DONE, '')
  }

  #gone(): void {
    clearTimeout(this.#late)
    this.#state = 'over'
    this.#wire?.close()
  }
}
