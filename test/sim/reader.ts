import type { Pass } from '../../src/protocol/capabilities.ts'
import type { CodecName } from '../../src/protocol/codec/index.ts'
import { parseCursor } from '../../src/protocol/cursor.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Hello, Kind } from '../../src/room/ports.ts'
import type { Random } from '../random.ts'
import { decode, type Heard } from './decode.ts'
import type { Faults } from './faults.ts'
import type { Host } from './host.ts'
import { View } from './view.ts'
import { type Client, Wire } from './wire.ts'

const KINDS: Readonly<Record<string, Kind>> = {
  framed: 'websocket',
  plain: 'websocket',
  lines: 'websocket',
  sse: 'sse',
  poll: 'poll',
}

export interface Person {
  readonly name: string
  readonly session: string
  readonly user?: string
  readonly pass?: Pass
  readonly isPresent: boolean
  readonly isPlain: boolean
}

/** A client that follows the room, whatever becomes of its connections, and keeps its cursor while it moves between transports. */
export class Reader implements Client {
  readonly person: Person
  /** All that it heard, connection by connection. */
  readonly connections: { codec: CodecName | 'history'; heard: Heard[] }[] = []
  /** Where it began. */
  start: string | undefined
  cursor: string | undefined
  readonly view = new View()
  wire: Wire | undefined
  codec: CodecName = 'framed'
  isAsking = false
  /** Told of every answer to an operation, and of the end of each connection. */
  onAnswer: (event: Heard) => void = () => {}
  onLost: (wire: Wire) => void = () => {}
  readonly #random: Random

  constructor(person: Person, random: Random) {
    this.person = person
    this.#random = random
  }

  connect(host: Host, faults: Faults, bound: number): Wire {
    const { session, user, pass, isPresent, isPlain } = this.person
    this.codec = isPlain ? 'plain' : this.#random.pick(['framed', 'framed', 'sse', 'poll', 'lines'] as const)
    const rewinds = this.cursor === undefined && this.codec !== 'poll' && !isPlain && this.#random.chance(0.3)
    const hello: Hello = {
      kind: KINDS[this.codec] as Kind,
      codec: this.codec,
      session,
      ...(user !== undefined && { user }),
      ...(pass !== undefined && { pass }),
      ...(isPresent && { presence: this.view.rev }),
      ...(this.cursor !== undefined && { cursor: this.cursor }),
      ...(rewinds && { rewind: this.#random.whole(1, 10) }),
    }
    const wire = new Wire(this, faults, bound)
    this.wire = wire
    this.connections.push({ codec: this.codec, heard: [] })
    host.open(wire, hello)
    return wire
  }

  frame(wire: Wire, frame: string): void {
    if (wire !== this.wire) return
    for (const event of decode(this.codec, frame)) this.#hear(event)
    if (this.codec === 'poll') this.#end(wire)
  }

  closed(wire: Wire): void {
    if (wire === this.wire) this.#end(wire)
    else this.onLost(wire)
  }

  /** Reads a page of history in place of a connection. */
  looks(host: Host): void {
    const { session, user, pass } = this.person
    if (this.cursor === undefined) return
    this.isAsking = true
    const reader = { session, ...(user !== undefined && { user }) }
    const query = { after: parseCursor(this.cursor), limit: this.#random.whole(1, 20) }
    host.command({ type: 'history', query, reader, ...reader, ...(pass && { pass }) }, (reply) => {
      this.isAsking = false
      if (reply.type !== 'history') return
      const { messages, next, gap } = reply.page
      this.connections.push({ codec: 'history', heard: [] })
      if (gap !== undefined) this.#hear({ type: 'gap', ...gap })
      for (const { json } of messages) this.#hear(JSON.parse(json))
      this.#hear({ type: 'cursor', cursor: next })
    })
  }

  #hear(event: Heard): void {
    if (event.type === 'ack' || event.type === 'error') this.onAnswer(event)
    else if (event.type === 'presence') this.view.hear(event)
    else this.connections.at(-1)?.heard.push({ ...event, data: saidIn(event.data) })
    if (event.type === 'welcome' && this.cursor !== undefined && event.cursor !== this.cursor) {
      throw new Error(`was welcomed at ${event.cursor} and had been at ${this.cursor}`)
    }
    const moves = event.type === 'gap' ? (event.before as string) : event.type === 'ack' ? undefined : event.cursor
    if (moves === undefined) return
    this.start ??= moves
    this.cursor = moves
  }

  #end(wire: Wire): void {
    this.wire = undefined
    wire.isUp = false
    this.onLost(wire)
  }
}

/** What a message was published with, also where an application has wrapped it. */
export function saidIn(data: unknown): unknown {
  if (typeof data === 'string' && data.startsWith('{')) return saidIn(JSON.parse(data))
  return typeof data === 'object' && data !== null && 'said' in data ? saidIn(data.said) : data
}

/** What the message of an entry was published with. */
export const dataOf = (entry: Entry | undefined): string =>
  entry?.type === 'message' ? `${saidIn(JSON.parse(entry.json).data)}` : ''

/** Has an application made it, that counts? */
export const isCounted = (entry: Entry | undefined): boolean => entry?.json.includes('"n":') ?? false
