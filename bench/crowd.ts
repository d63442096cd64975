import { setTimeout as sleep } from 'node:timers/promises'
import type { Feed } from './feed.ts'
import { type Mode, Publisher } from './publisher.ts'
import { Socket } from './socket.ts'
import { type Notices, Subscriber } from './subscriber.ts'
import { textFrame } from './websocket.ts'

/** All connections of one room, and what went wrong with any of them. */
export class Crowd {
  readonly subscribers: Subscriber[] = []
  readonly publishers: Publisher[] = []
  /** Called with each read, so that publishing keeps its time while much arrives. */
  beat: (now: number) => void = () => {}
  readonly #sockets: Socket[] = []
  readonly #troubles = new Map<string, number>()
  #welcomes = 0
  #heartbeat = 25
  #pings: NodeJS.Timeout | undefined

  static async gather(server: string, size: { subscribers: number; publishers: number }, mode: Mode, feed: Feed) {
    const crowd = new Crowd()
    const room = new URL(`/v1/rooms/bench-${Math.random().toString(36).slice(2)}`, server)
    try {
      await crowd.#dial(new URL(`${room.pathname}/ws`, server), size, mode, feed)
      await crowd.#joined(room, mode)
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
    for (const socket of this.#sockets) socket.destroy()
  }

  async #dial(url: URL, size: { subscribers: number; publishers: number }, mode: Mode, feed: Feed): Promise<void> {
    const notices: Notices = {
      welcome: (heartbeat) => {
        this.#welcomes++
        this.#heartbeat = heartbeat
      },
      trouble: (what) => this.#troubles.set(what, (this.#troubles.get(what) ?? 0) + 1),
      beat: (now) => this.beat(now),
    }
    const all = size.subscribers + size.publishers
    // Fewer at once than a listening socket's backlog.
    for (let i = 0; i < all; i += 50) {
      const dials = Array.from({ length: Math.min(50, all - i) }, (_, k) =>
        Socket.dial(url, mode === 'plain' ? undefined : mode, (socket) => {
          this.#sockets.push(socket)
          if (i + k < size.subscribers) this.subscribers.push(new Subscriber(socket, feed, notices))
          else this.publishers.push(new Publisher(socket, this.publishers.length, mode, notices))
        }),
      )
      await Promise.all(dials)
    }
  }

  /** A handshake answered is not yet a session in the room, and what is published before would count as lost. */
  async #joined(room: URL, mode: Mode): Promise<void> {
    const all = this.#sockets.length
    let present = 0
    for (let tries = 0; tries < 200; tries++) {
      const info = (await (await fetch(room)).json()) as { connections: { websocket: number } }
      present = info.connections.websocket
      if (present === all && (mode === 'plain' || this.#welcomes === all)) return
      await sleep(50)
    }
    throw new Error(`${present} of ${all} joined within 10 s, ${this.#welcomes} were welcomed`)
  }

  /** Each within its heartbeat, and never all of them at once. */
  #ping(): void {
    let next = 0
    const every = Math.max(10, (this.#heartbeat * 1000) / this.#sockets.length)
    this.#pings = setInterval(() => {
      this.#sockets[next++ % this.#sockets.length]?.write(textFrame('{"op":"ping"}'))
    }, every)
  }
}
