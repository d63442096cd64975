import { closingEvent } from '../../protocol/events.ts'
import type { Query } from '../parameters.ts'
import type { Runtime, Source } from '../ports.ts'
import { type EventStream, eventStream } from '../transports/stream.ts'
import { type Asked, readAsked } from './asked.ts'
import type { End } from './ends.ts'
import { Legs, type Trunk } from './legs.ts'
import { inRoom, type Line } from './lines.ts'

/** `GET /v1/events?rooms=` (MULTI-10). */
export function sseRooms(query: Query, request: Request, runtime: Runtime): Response {
  const asked = readAsked(query, runtime.roomsPerConnection, request.headers.get('last-event-id') || undefined)
  return eventStream(request, (stream) => new JoinedStream(stream, asked, runtime), runtime)
}

/** An event stream that carries several rooms. */
class JoinedStream implements Source, Trunk {
  readonly #stream: EventStream
  readonly #asked: Asked
  readonly #legs: Legs

  constructor(stream: EventStream, asked: Asked, runtime: Runtime) {
    this.#stream = stream
    this.#asked = asked
    this.#legs = new Legs(runtime, 'sse', asked, this)
    for (const [room, start] of asked.starts) this.#legs.join(room, start)
  }

  drained(): void {
    this.#legs.drained()
  }

  close(): void {
    this.#legs.close()
  }

  heard(room: string, lines: readonly Line[]): void {
    this.#stream.write(lines.map((line) => this.#block(room, line)).join(''))
    // The client comes back with its Last-Event-ID.
    if (this.#stream.credit() < -this.#legs.overdraft) this.#stream.end()
  }

  credit(): number {
    return this.#stream.credit()
  }

  /** No room is left out in silence: the client comes back for all of them. */
  ended(room: string, { code, reason, retryAfter }: End): void {
    const { json } = closingEvent(code, reason, retryAfter)
    this.#stream.write(`event: closing\ndata: ${inRoom(json, room)}\n\n`)
    this.#stream.end()
  }

  #block(room: string, { type, cursor, json }: Line): string {
    const { vector } = this.#asked
    if (cursor !== undefined) vector.move(room, cursor)
    const id = cursor === undefined ? '' : `id: ${vector}\n`
    if (type === 'cursor') return `${id}\n`
    return `${id}${type === 'message' ? '' : `event: ${type}\n`}data: ${json}\n\n`
  }
}
