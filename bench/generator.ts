import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cores, coreBusy, cpuOf } from './cpu.ts'
import { Crowd } from './crowd.ts'
import { Feed } from './feed.ts'
import type { Mode, Publisher } from './publisher.ts'
import type { Server } from './server.ts'
import { Tally } from './tally.ts'

export interface Load {
  mode: Mode
  /** Deliveries per second: messages × subscribers. */
  rate: number
  subscribers: number
  publishers: number
  seconds: number
  warmUp: number
}

export type Figures = Awaited<ReturnType<typeof measure>>

const DRAIN = 5000

export async function measure(server: Server, load: Load, cores: Cores | undefined) {
  const tally = new Tally({ ...load, perSecond: load.rate / load.subscribers })
  const crowd = await Crowd.gather(server.url, load, load.mode, new Feed(tally))
  try {
    const total = Math.floor(((load.warmUp + load.seconds) * 1000) / tally.interval)
    tally.begin(performance.now() + 50)
    crowd.beat = publishing(crowd.publishers, tally, total)
    const until = async (reached: () => boolean): Promise<void> => {
      while (!reached()) {
        await sleep(1)
        crowd.beat(performance.now())
      }
    }
    const snapshot = () => ({
      time: performance.now(),
      delivered: tally.delivered,
      cpu: { server: cpuOf(server.pid), generator: cpuOf(process.pid) },
      busy: { server: coreBusy(cores?.server ?? 0), generator: coreBusy(cores?.generator ?? 0) },
    })
    await until(() => performance.now() >= tally.from)
    const before = snapshot()
    await until(() => performance.now() >= tally.until)
    const after = snapshot()
    const patience = tally.until + DRAIN
    await until(() => performance.now() > patience || tally.delivered >= total * load.subscribers)
    // Time for what should not come: a duplicate would be seen.
    await sleep(20)

    const wall = after.time - before.time
    const delivered = after.delivered - before.delivered
    const due = tally.lag.count * load.subscribers
    const used = (who: 'server' | 'generator') => after.cpu[who] - before.cpu[who]
    // NaN where nothing is pinned: there is no telling whose core it was.
    const others = (who: 'server' | 'generator') =>
      cores ? Math.max(0, after.busy[who] - before.busy[who] - used(who)) / wall : Number.NaN
    const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0)
    const refused = sum(crowd.publishers.map((publisher) => publisher.refused))
    // What was refused is not lost: its publisher knows.
    const missing = crowd.subscribers.map(({ received }) => total - refused - received)
    return {
      deliveriesPerSecond: (delivered / wall) * 1000,
      p50: tally.latency.quantile(0.5, due),
      p99: tally.latency.quantile(0.99, due),
      cpuPerDelivery: (used('server') * 1000) / delivered,
      serverCpu: used('server') / wall,
      generatorCpu: used('generator') / wall,
      lag: tally.lag.quantile(0.99, tally.lag.count),
      others: { server: others('server'), generator: others('generator') },
      published: total,
      lost: sum(missing.map((count) => Math.max(0, count))),
      refused,
      acknowledged: sum(crowd.publishers.map(({ acknowledged }) => acknowledged)),
      disorder: tally.disorder + sum(missing.map((count) => Math.max(0, -count))),
      readAlone: sum(crowd.subscribers.map(({ readAlone }) => readAlone)),
      troubles: crowd.troubles,
    }
  } finally {
    crowd.disperse()
  }
}

/** Publishes all that is due, in turns; called as often as possible, so that what is due leaves on time. */
function publishing(publishers: Publisher[], tally: Tally, total: number): (now: number) => void {
  let published = 0
  return (now) => {
    if (published >= total || now < tally.dueOf(published)) return
    for (; published < total && tally.dueOf(published) <= now; published++) {
      tally.sent((publishers[published % publishers.length] as Publisher).queue(), now)
    }
    for (const publisher of publishers) publisher.flush()
  }
}
