import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { atOnce, Crowd, EVERY } from '../load/crowd.ts'
import type { Dialect } from '../load/dialect.ts'
import { Feed } from '../load/feed.ts'
import type { Publisher } from '../load/publisher.ts'
import { Socket } from '../load/socket.ts'
import { Subscriber } from '../load/subscriber.ts'
import { type Arrivals, Tally } from '../load/tally.ts'
import type { Cores } from '../machine/cpu.ts'
import { meter } from '../machine/meter.ts'
import { doubt, limitOf, type Measured, noise } from '../report/row.ts'
import type { Server } from '../servers/server.ts'
import { publishing } from './fanout.ts'

/** As many as a listening socket's backlog takes, at least. */
const AT_ONCE = 400
const PATIENCE = 30_000

/** So many connect to one room, as fast as they are let in. */
export async function connectStorm(server: Server, clients: number, cores: Cores | undefined): Promise<Measured> {
  const measured = meter(server, cores)
  const crowd = await Crowd.gather(server, { rooms: 1, subscribers: clients, publishers: 0 }, NOBODY, AT_ONCE)
  const used = measured()
  crowd.disperse()
  const limit = limitOf(used)
  return {
    figures: {
      seconds: used.wall / 1000,
      connects: (clients / used.wall) * 1000,
      p50: crowd.handshakes.quantile(0.5, clients),
      p99: crowd.handshakes.quantile(0.99, clients),
      each: (used.cpu * 1000) / clients,
      server: used.server,
      generator: used.generator,
    },
    ...doubt(used),
    held: crowd.troubles.length === 0,
    notes: [...(limit === undefined ? [] : [`NO FIGURE OF THE SERVER: ${limit}`]), ...noise(used), ...crowd.troubles],
  }
}

const NOBODY: Arrivals = { disorder: 0, arrived: () => {} }

/** Those who stay (one in ten of them is asked when it heard what), what they are told meanwhile (messages a second), and what the others have missed. */
const OTHERS = 200
const LIVE = 10
const BACKLOG = 100
/** Nobody has heard anything yet: this is what every welcome said. */
const CURSOR = '0-0'

/**
 * So many sessions lose their connections at once, miss a hundred messages, and come back at once with their cursors.
 * Others stay, and are spoken to all the time.
 */
export async function resumeStorm(server: Server, clients: number, cores: Cores | undefined): Promise<Measured> {
  const tally = new Tally({ perSecond: LIVE, publishers: 1, warmUp: BACKLOG / LIVE, seconds: PATIENCE / 1000 })
  const others = await Crowd.gather(server, { rooms: 1, subscribers: OTHERS, publishers: 1 }, tally)
  const storm = new Storm(server, others.rooms[0] as string)
  const until = async (reached: () => boolean, what: string): Promise<void> => {
    const patience = performance.now() + PATIENCE
    while (!reached()) {
      if (performance.now() > patience) throw new Error(`${what} within ${PATIENCE / 1000} s`)
      await sleep(1)
      others.beat(performance.now())
    }
  }
  try {
    await storm.comes(clients)
    await until(() => storm.welcomes >= clients, 'not all were let in')
    storm.disperse()
    await sleep(500)
    const [publisher] = others.publishers as [Publisher]
    for (let i = 0; i < BACKLOG; i++) publisher.queue()
    publisher.flush()
    await until(() => publisher.acknowledged >= BACKLOG, 'what they miss was not committed')

    tally.begin(performance.now() - (BACKLOG / LIVE) * 1000)
    others.beat = publishing(others.publishers, tally, Number.POSITIVE_INFINITY, BACKLOG)
    const measured = meter(server, cores)
    const back = storm.comes(clients, CURSOR)
    // It is waited for below, once it is known whether all are up to date.
    back.catch(() => {})
    await until(() => storm.upToDate >= clients || storm.failure !== undefined, 'not all were up to date')
    await back
    const used = measured()
    // What was said to the others at last has yet to arrive.
    others.beat = () => {}
    const said = tally.lag.count * (OTHERS / EVERY)
    await until(() => tally.latency.count >= said, 'the others did not hear all')
    const limit = limitOf(used, tally.lag.quantile(0.99, tally.lag.count))
    const figures = {
      seconds: used.wall / 1000,
      p50: tally.latency.quantile(0.5, said),
      p99: tally.latency.quantile(0.99, said),
      each: (used.cpu * 1000) / clients,
      server: used.server,
      generator: used.generator,
    }
    const notes =
      limit === undefined
        ? []
        : [used.server >= 0.9 ? `the server was busy, and ${limit}` : `NO FIGURE OF THE SERVER: ${limit}`]
    const troubles = [...others.troubles, ...storm.troubles]
    return {
      figures,
      ...doubt(used),
      held: troubles.length === 0,
      notes: [...notes, ...noise(used), ...troubles.slice(0, 3)],
    }
  } finally {
    storm.disperse()
    others.disperse()
  }
}

/** Sessions that come, go, and come back. */
class Storm {
  upToDate = 0
  welcomes = 0
  failure: unknown
  readonly troubles = new Set<string>()
  readonly #server: Server
  readonly #room: string
  readonly #sockets: Socket[] = []
  readonly #notices = {
    welcome: () => {
      this.welcomes++
    },
    trouble: (what: string) => {
      this.troubles.add(what)
    },
    beat: () => {},
  }

  constructor(server: Server, room: string) {
    this.#server = server
    this.#room = room
  }

  /** Each with the secret of its own; with a cursor it is up to date when it has all that it missed. */
  async comes(count: number, cursor?: string): Promise<void> {
    const { url, kind } = this.#server
    const feed = new Feed(NOBODY)
    const dial = (i: number) => async () => {
      const back = cursor === undefined ? '' : `&cursor=${cursor}`
      const path = `${kind.dialect.follow(this.#room)}&resume=${String(i).padStart(22, 's')}${back}`
      await Socket.dial(new URL(path, url), kind.dialect.protocol, (socket) => {
        this.#sockets.push(socket)
        this.#attach(socket, feed, kind.dialect)
      })
    }
    try {
      await atOnce(
        AT_ONCE,
        Array.from({ length: count }, (_, i) => dial(i)),
      )
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  disperse(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy()
  }

  #attach(socket: Socket, feed: Feed, dialect: Dialect): void {
    const subscriber = new Subscriber(socket, feed, dialect, this.#notices)
    const { onBytes } = socket
    let isBehind = true
    socket.onBytes = (chunk, start, end) => {
      onBytes(chunk, start, end)
      if (!isBehind || subscriber.received < BACKLOG) return
      isBehind = false
      this.upToDate++
    }
  }
}
