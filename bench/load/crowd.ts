import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../servers/server.ts'
import type { Dialect } from './dialect.ts'
import { Feed } from './feed.ts'
import { Publisher } from './publisher.ts'
import { Socket } from './socket.ts'
import { type Notices, Subscriber } from './subscriber.ts'
import { type Arrivals, Histogram } from './tally.ts'
import { textFrame } from './websocket.ts'

/** How many rooms, and how many of each in every one of them. */
export interface Size {
  readonly rooms: number
  readonly subscribers: number
  readonly publishers: number
}

/** Fewer at once than a listening socket's backlog. */
const AT_ONCE = 100
const HEARTBEAT = 25_000
/**
 * One in so many reads at once, and tells when it heard what; the others read whenever so many milliseconds are over, and
 * are counted. Else the generator is at its limit before most servers are, with a read for each message of each.
 */
export const EVERY = 10
const NAP = 10

/** All connections of a run, room by room, and what went wrong with any of them. */
export class Crowd {
  readonly subscribers: Subscriber[] = []
  /** The n-th is in the n-th room, modulo the number of rooms. */
  readonly publishers: Publisher[] = []
  readonly rooms: readonly string[]
  /** How long each took to be let in. */
  readonly handshakes = new Histogram()
  /** Called with each read, so that publishing keeps its time while much arrives. */
  beat: (now: number) => void = () => {}
  readonly #dialect: Dialect
  readonly #sockets: Socket[] = []
  readonly #troubles = new Map<string, number>()
  #welcomes = 0
  #pings: NodeJS.Timeout | undefined
  #resting: Socket[] = []
  readonly #naps = setInterval(() => {
    const rested = this.#resting
    this.#resting = []
    for (const socket of rested) socket.resume()
  }, NAP)

  private constructor(size: Size, dialect: Dialect) {
    const run = Math.random().toString(36).slice(2, 10)
    this.rooms = Array.from({ length: size.rooms }, (_, i) => `bench-${run}-${i}`)
    this.#dialect = dialect
  }

  static async gather(server: Server, size: Size, tally: Arrivals, dialled = AT_ONCE): Promise<Crowd> {
    const crowd = new Crowd(size, server.kind.dialect)
    try {
      await crowd.#dial(server, size, tally, dialled)
      await crowd.#joined(server, size)
    } catch (error) {
      crowd.disperse()
      throw error
    }
    crowd.#ping()
    return crowd
  }

  get troubles(): string[] {
    return [...this.#troubles].map(([what, times]) => `${times} × ${what}`)
  }

  disperse(): void {
    clearInterval(this.#pings)
    clearInterval(this.#naps)
    for (const socket of this.#sockets) socket.destroy()
  }

  async #dial({ url, kind: { dialect } }: Server, size: Size, tally: Arrivals, dialled: number): Promise<void> {
    const notices: Notices = {
      welcome: () => {
        this.#welcomes++
      },
      trouble: (what) => this.#troubles.set(what, (this.#troubles.get(what) ?? 0) + 1),
      beat: (now) => this.beat(now),
    }
    const dials: (() => Promise<Socket>)[] = []
    const dial = (path: string, attach: (socket: Socket) => void, isCompressed = false) =>
      dials.push(() => {
        const began = performance.now()
        const attached = (socket: Socket) => {
          this.handshakes.add(performance.now() - began)
          this.#sockets.push(socket)
          attach(socket)
        }
        return Socket.dial(new URL(path, url), dialect.protocol, attached, isCompressed)
      })
    for (const room of this.rooms) {
      const feed = new Feed(tally)
      for (let i = 0; i < size.subscribers; i++) {
        const isPrompt = i % EVERY === 0
        dial(
          dialect.follow(room),
          (socket) => {
            this.subscribers.push(new Subscriber(socket, feed, dialect, notices, isPrompt))
            if (!isPrompt) socket.rests = () => this.#resting.push(socket)
          },
          dialect.isCompressed,
        )
      }
    }
    for (let i = 0; i < size.publishers * size.rooms; i++) {
      dial(dialect.publish(this.rooms[i % size.rooms] as string), (socket) => {
        this.publishers[i] = new Publisher(socket, i, dialect, notices)
      })
    }
    await atOnce(dialled, dials)
  }

  /** A handshake answered is not yet a place in the room, and what is published before would count as lost. */
  async #joined({ url, kind: { dialect } }: Server, size: Size): Promise<void> {
    const { greets, countsPublishers, present } = dialect
    const wanted = size.subscribers + (countsPublishers ? size.publishers : 0)
    const patience = performance.now() + 10_000
    const waiting = new Set(this.rooms)
    while (performance.now() < patience) {
      if (greets && this.#welcomes >= this.#sockets.length) return
      if (!greets) {
        for (const room of waiting) if ((await present?.(url, room)) === wanted) waiting.delete(room)
        if (waiting.size === 0) return
      }
      await sleep(20)
    }
    throw new Error(
      greets ? `${this.#welcomes} of ${this.#sockets.length} were let in` : `${waiting.size} rooms not full`,
    )
  }

  /** Each within its heartbeat, and never all of them at once. */
  #ping(): void {
    const { ping } = this.#dialect
    if (ping === undefined) return
    const frame = textFrame(ping)
    let next = 0
    const due = performance.now()
    this.#pings = setInterval(() => {
      const reached = ((performance.now() - due) / HEARTBEAT) * this.#sockets.length
      for (; next < reached; next++) this.#sockets[next % this.#sockets.length]?.write(frame)
    }, 10)
  }
}

/** Does all of it, so many at a time. */
export async function atOnce<T>(count: number, doings: readonly (() => Promise<T>)[]): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < doings.length) await doings[next++]?.()
  }
  await Promise.all(Array.from({ length: count }, worker))
}
