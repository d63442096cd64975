import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { atOnce, Crowd } from '../load/crowd.ts'
import { HttpWire } from '../load/http.ts'
import { Poller } from '../load/poller.ts'
import { Stream } from '../load/stream.ts'
import { Tally } from '../load/tally.ts'
import type { Cores } from '../machine/cpu.ts'
import { meter } from '../machine/meter.ts'
import { doubt, limitOf, type Measured, noise } from '../report/row.ts'
import type { Server } from '../servers/server.ts'
import { publishing } from './fanout.ts'

export interface HeldLoad {
  readonly clients: number
  /** Messages a second. */
  readonly rate: number
  readonly seconds: number
}

interface Client {
  received: number
  readonly polls?: number
  onMessage(key: number, now: number): void
}

/** Seconds. V8 compiles what runs often: after one second a poll costs twice what it costs after five (2026-11). */
const WARM_UP = 5
const DRAIN = 2000

/** Messages published at a rate to clients that poll, or that follow by Server-Sent Events. */
export async function held(
  server: Server,
  by: 'poll' | 'sse',
  load: HeldLoad,
  cores: Cores | undefined,
): Promise<Measured> {
  const tally = new Tally({ perSecond: load.rate, publishers: 1, warmUp: WARM_UP, seconds: load.seconds })
  const crowd = await Crowd.gather(server, { rooms: 1, subscribers: 0, publishers: 1 }, tally)
  const [room = ''] = crowd.rooms
  const troubles = new Set<string>()
  const clients: Client[] = []
  const ends: (() => void)[] = []
  const trouble = (what: string) => troubles.add(what)
  const open = async (i: number): Promise<void> => {
    if (by === 'sse') {
      const stream = await Stream.open(server.url, server.kind.stream?.(room) ?? '')
      stream.onEnd = (why) => trouble(`a stream ended: ${why}`)
      clients.push(stream)
      ends.push(() => stream.destroy())
      return
    }
    const dialect = server.kind.poll?.(server.url)
    if (dialect === undefined) throw new Error('it cannot be polled')
    const http = await HttpWire.open(server.url)
    ends.push(() => http.destroy())
    const poller = new Poller(http, dialect, room, i)
    poller.onTrouble = trouble
    clients.push(poller)
    await poller.start()
  }
  try {
    await atOnce(
      50,
      Array.from({ length: load.clients }, (_, i) => () => open(i)),
    )
    // The last to come is held by now.
    await sleep(200)
    for (const client of clients) client.onMessage = (key, now) => tally.arrived(key, now)
    const total = (WARM_UP + load.seconds) * load.rate
    tally.begin(performance.now() + 50)
    const beat = publishing(crowd.publishers, tally, total)
    const until = async (reached: () => boolean): Promise<void> => {
      while (!reached()) {
        await sleep(1)
        beat(performance.now())
      }
    }
    const answers = () => clients.reduce((sum, { polls = 0 }) => sum + polls, 0)
    await until(() => performance.now() >= tally.from)
    const before = { delivered: tally.delivered, answers: answers() }
    const measured = meter(server, cores)
    await until(() => performance.now() >= tally.until)
    const used = measured()
    const [delivered, answered] = [tally.delivered - before.delivered, answers() - before.answers]
    const patience = tally.until + DRAIN
    await until(() => performance.now() > patience || tally.delivered >= total * load.clients)
    const due = tally.lag.count * load.clients
    const late = tally.lag.quantile(0.99, tally.lag.count)
    const lost = clients.reduce((sum, { received }) => sum + Math.max(0, total - received), 0)
    const figures = {
      deliveries: (delivered / used.wall) * 1000,
      p50: tally.latency.quantile(0.5, due),
      p99: tally.latency.quantile(0.99, due),
      p999: tally.latency.quantile(0.999, due),
      each: (used.cpu * 1000) / delivered,
      ...(by === 'poll' && { answers: (answered / used.wall) * 1000, answer: (used.cpu * 1000) / answered }),
      server: used.server,
      generator: used.generator,
      late,
      lost,
    }
    const limit = limitOf(used, late)
    const notes = [
      ...(lost > 0 ? [`${lost} LOST`] : []),
      ...(limit === undefined
        ? []
        : [used.server >= 0.9 ? `the server had no more to give, and ${limit}` : `NO FIGURE OF THE SERVER: ${limit}`]),
      ...noise(used),
      ...troubles,
    ]
    return {
      figures,
      ...doubt(used, late),
      held: lost === 0 && figures.deliveries >= load.rate * load.clients * 0.98,
      notes,
    }
  } finally {
    for (const end of ends) end()
    crowd.disperse()
  }
}
