import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cores, coreBusy, cpuOf } from './cpu.ts'
import { Feed } from './feed.ts'
import { type Mode, Publisher } from './publisher.ts'
import type { Server } from './server.ts'
import { Socket } from './socket.ts'
import { type Notices, Subscriber } from './subscriber.ts'
import { Tally } from './tally.ts'
import { textFrame } from './websocket.ts'

export interface Load {
  mode: Mode
  /** Deliveries per second: messages × subscribers. */
  rate: number
  subscribers: number
  publishers: number
  seconds: number
  warmUp: number
}

export interface Figures {
  deliveriesPerSecond: number
  p50: number
  p99: number
  cpuPerDelivery: number
  serverCpu: number
  generatorCpu: number
  /** How late the generator was with its own publishing, in ms. */
  lag: number
  /** Shares of each core that went to neither server nor generator, but to others or to the hypervisor; NaN where nothing is pinned. */
  strangers: { server: number; generator: number }
  published: number
  lost: number
  refused: number
  disorder: number
  readAlone: number
  troubles: string[]
}

const DRAIN = 5000

export async function measure(server: Server, load: Load, cores: Cores | undefined): Promise<Figures> {
  const room = `bench-${Math.random().toString(36).slice(2)}`
  const url = new URL(`/v1/rooms/${room}/ws`, server.url)
  const troubles = new Map<string, number>()
  let welcomes = 0
  let heartbeat = 25
  let beat = (_now: number): void => {}
  const notices: Notices = {
    welcome: (seconds) => {
      welcomes++
      heartbeat = seconds
    },
    trouble: (what) => troubles.set(what, (troubles.get(what) ?? 0) + 1),
    beat: (now) => beat(now),
  }
  const protocol = load.mode === 'plain' ? undefined : load.mode
  const tally = new Tally({ ...load, perSecond: load.rate / load.subscribers })
  const feed = new Feed(tally)
  const subscribers: Subscriber[] = []
  const publishers: Publisher[] = []
  const all = load.subscribers + load.publishers
  const sockets: Socket[] = []
  try {
    await inBatches(all, 50, async (i) => {
      await Socket.dial(url, protocol, (socket) => {
        sockets.push(socket)
        if (i < load.subscribers) subscribers.push(new Subscriber(socket, feed, notices))
        else publishers.push(new Publisher(socket, publishers.length, load.mode, notices))
      })
    })
    await joined(server, room, all, () => load.mode === 'plain' || welcomes === all)

    tally.begin(performance.now() + 50)
    const total = Math.floor(((load.warmUp + load.seconds) * 1000) / tally.interval)
    let published = 0
    beat = (now) => {
      if (published >= total || now < tally.dueOf(published)) return
      for (; published < total && tally.dueOf(published) <= now; published++) {
        tally.sent((publishers[published % publishers.length] as Publisher).queue(), now)
      }
      for (const publisher of publishers) publisher.flush()
    }
    let pinged = 0
    const pings = setInterval(
      () => sockets[pinged++ % all]?.write(textFrame('{"op":"ping"}')),
      Math.max(10, (heartbeat * 1000) / all),
    )
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) {
        await sleep(1)
        beat(performance.now())
      }
    }
    await until(() => performance.now() >= tally.from)
    const before = snapshot(server, cores, tally)
    await until(() => performance.now() >= tally.until)
    const after = snapshot(server, cores, tally)
    const patience = tally.until + DRAIN
    await until(
      () => performance.now() > patience || (published >= total && tally.delivered >= total * load.subscribers),
    )
    clearInterval(pings)
    await sleep(20)

    const due = tally.lag.count
    const wall = after.time - before.time
    const delivered = after.delivered - before.delivered
    const stranger = (core: 'server' | 'generator'): number =>
      cores === undefined
        ? Number.NaN
        : Math.max(0, (after.busy[core] - before.busy[core] - (after[core] - before[core])) / wall)
    return {
      deliveriesPerSecond: (delivered / wall) * 1000,
      p50: tally.latency.quantile(0.5, due * load.subscribers),
      p99: tally.latency.quantile(0.99, due * load.subscribers),
      cpuPerDelivery: ((after.server - before.server) * 1000) / delivered,
      serverCpu: (after.server - before.server) / wall,
      generatorCpu: (after.generator - before.generator) / wall,
      lag: tally.lag.quantile(0.99, due),
      strangers: { server: stranger('server'), generator: stranger('generator') },
      published,
      lost: subscribers.reduce((sum, { received }) => sum + Math.max(0, published - received), 0),
      refused: publishers.reduce((sum, { refused }) => sum + refused, 0),
      disorder: tally.disorder,
      readAlone: subscribers.reduce((sum, { readAlone }) => sum + readAlone, 0),
      troubles: [...troubles].map(([what, times]) => `${times} × ${what}`),
    }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

function snapshot(server: Server, cores: Cores | undefined, tally: Tally) {
  const { user, system } = process.cpuUsage()
  return {
    time: performance.now(),
    delivered: tally.delivered,
    server: cpuOf(server.pid),
    generator: (user + system) / 1000,
    busy: { server: coreBusy(cores?.server ?? 0), generator: coreBusy(cores?.generator ?? 0) },
  }
}

async function inBatches(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i += width) {
    await Promise.all(Array.from({ length: Math.min(width, count - i) }, (_, k) => work(i + k)))
  }
}

/** A handshake answered is not yet a session in the room, and what is published before would count as lost. */
async function joined(server: Server, room: string, all: number, welcomed: () => boolean): Promise<void> {
  let count = 0
  for (let tries = 0; tries < 200; tries++) {
    const info = (await (await fetch(`${server.url}/v1/rooms/${room}`)).json()) as {
      connections: { websocket: number }
    }
    count = info.connections.websocket
    if (count === all && welcomed()) return
    await sleep(50)
  }
  throw new Error(`${count} of ${all} connections joined within 10 s`)
}
