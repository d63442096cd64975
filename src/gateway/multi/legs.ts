import type { Pack } from '../../protocol/codec/index.ts'
import { CLOSE } from '../../protocol/codes.ts'
import { utf8Length } from '../../protocol/data.ts'
import { Refusal } from '../../protocol/errors.ts'
import { frameLimit, LIMITS } from '../../protocol/limits.ts'
import type { Hello, Kind } from '../../room/ports.ts'
import { closeCodeOf } from '../access/handshake.ts'
import type { Leg, Runtime, Wire } from '../ports.ts'
import { type Asked, helloOf, type Start } from './asked.ts'
import { type End, roomEnd } from './ends.ts'
import { type Line, readLines } from './lines.ts'

/** The one connection that several rooms share. */
export interface Trunk {
  heard(room: string, lines: readonly Line[]): void
  /** Bytes that it still takes, of whichever room. */
  credit(): number
  /** The room has ended its part; nothing more comes of it. */
  ended(room: string, end: End): void
}

/** The rooms that one client follows, each over a wire of its own. */
export class Legs {
  readonly #legs = new Map<string, RoomLeg>()
  readonly #runtime: Runtime
  /** Who follows, as far as is known now. */
  #bearer: Promise<Runtime>
  readonly #kind: Kind
  readonly #session: Pick<Asked, 'secret' | 'resume'>
  readonly #trunk: Trunk

  constructor(runtime: Runtime, kind: Kind, session: Pick<Asked, 'secret' | 'resume'>, trunk: Trunk) {
    this.#runtime = runtime
    this.#bearer = Promise.resolve(runtime)
    this.#kind = kind
    this.#session = session
    this.#trunk = trunk
  }

  get size(): number {
    return this.#legs.size
  }

  /**
   * What the trunk may be owed beyond its credit. Rooms stop when they see that it has none; until then each may have
   * sent a page and have another under way, and one event is never cut.
   */
  get overdraft(): number {
    return LIMITS.ahead + frameLimit(this.#runtime.payloadLimit) + this.#legs.size * 2 * LIMITS.page
  }

  /**
   * What each room sees of the trunk's. Never so little that it would end its part for what others have sent, and yet
   * more whenever the client has read, or it would be given up for not reading (FAN-4).
   */
  get #credit(): number {
    const credit = this.#trunk.credit()
    return credit > 0 ? credit : Math.max((credit / this.overdraft) * LIMITS.ahead, -LIMITS.ahead)
  }

  has(room: string): boolean {
    return this.#legs.has(room)
  }

  /** Rooms that are joined from here on are joined with this token, if it is good: whether it is, the room says that it was for. */
  renew(token: string): void {
    const before = this.#bearer
    this.#bearer = before.then((runtime) => runtime.renewed?.(token) ?? runtime).catch(() => before)
  }

  join(room: string, start: Start): void {
    const leg = new RoomLeg(
      room,
      this.#trunk,
      () => this.#credit,
      () => this.#legs.delete(room),
    )
    this.#legs.set(room, leg)
    void leg.open(this.#bearer, helloOf({ kind: this.#kind, codec: 'lines' }, this.#session, room, start))
  }

  leave(room: string): void {
    const leg = this.#legs.get(room)
    this.#legs.delete(room)
    leg?.close()
  }

  /** Hands operations to a room that is joined. False: it takes no more now. */
  send(room: string, text: string): boolean {
    return this.#legs.get(room)?.send(text) ?? false
  }

  /** The trunk takes more again. */
  drained(): void {
    for (const leg of this.#legs.values()) leg.drained()
  }

  close(): void {
    for (const leg of this.#legs.values()) leg.close()
    this.#legs.clear()
  }
}

class RoomLeg implements Leg {
  readonly #room: string
  readonly #trunk: Trunk
  readonly #credit: () => number
  readonly #gone: () => void
  /** What the client sent before the wire stood (WS-9). */
  readonly #early: string[] = []
  #earlySize = 0
  #wire: Wire | undefined
  #over = false
  /** The room asks to be told when the client has taken what it sent up to here. */
  #probe: number | undefined
  #closing: { readonly retryAfter?: number } = {}

  constructor(room: string, trunk: Trunk, credit: () => number, gone: () => void) {
    this.#room = room
    this.#trunk = trunk
    this.#credit = credit
    this.#gone = gone
  }

  async open(bearer: Promise<Runtime>, hello: Hello): Promise<void> {
    const runtime = await bearer
    try {
      if (this.#over) return
      const wire = await runtime.room(this.#room).dial(hello, this)
      this.#wire = wire
      if (this.#over) wire.close()
      for (const text of this.#early.splice(0)) wire.send(text)
      this.#answerProbe()
    } catch (error) {
      if (error instanceof Refusal) return this.closed(closeCodeOf(error.code), error.code)
      runtime.report(error)
      this.closed(CLOSE.storage, 'storage')
    }
  }

  send(text: string): boolean {
    if (this.#wire !== undefined) return this.#wire.send(text)
    // As much as a wire takes at once, or what it does not would be nobody's.
    const size = utf8Length(text)
    if (this.#earlySize + size > LIMITS.ahead) return false
    this.#earlySize += size
    this.#early.push(text)
    return true
  }

  drained(): void {
    this.#answerProbe()
    this.#wire?.drained()
  }

  close(): void {
    this.#over = true
    this.#early.length = 0
    this.#wire?.close()
  }

  // ---- What the room calls ----

  write(pack: Pack): void {
    if (this.#over) return
    const lines = readLines(pack, this.#room)
    const [{ type, json } = { type: '', json: '' }] = lines
    // These two come alone, and are between the room and the gateway.
    if (type === 'probe') {
      this.#probe = (JSON.parse(json) as { n: number }).n
      this.#answerProbe()
    } else if (type === 'closing') this.#closing = JSON.parse(json) as { retryAfter?: number }
    else this.#trunk.heard(this.#room, lines)
  }

  credit(): number {
    return this.#credit()
  }

  closed(code: number, reason: string): void {
    if (this.#over) return
    this.close()
    this.#gone()
    this.#trunk.ended(this.#room, roomEnd(code, reason, this.#closing.retryAfter))
  }

  #answerProbe(): void {
    if (this.#probe === undefined || this.#wire === undefined || this.#trunk.credit() <= 0) return
    if (this.#wire.send(`{"op":"probe","n":${this.#probe}}`)) this.#probe = undefined
  }
}
