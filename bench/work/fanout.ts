import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Crowd, EVERY, type Size } from '../load/crowd.ts'
import type { Publisher } from '../load/publisher.ts'
import { Tally } from '../load/tally.ts'
import type { Cores } from '../machine/cpu.ts'
import { meter, type Used } from '../machine/meter.ts'
import { doubt, limitOf, type Measured, noise } from '../report/row.ts'
import type { Server } from '../servers/server.ts'

export interface Load extends Size {
  /** Deliveries per second: messages × subscribers of their room. */
  readonly rate: number
  readonly seconds: number
  readonly warmUp: number
}

/** How long what was published may take to arrive after the load has ended (ms). */
const DRAIN = 3000

/** Publishes at a rate, and counts every delivery. */
export async function fanout(server: Server, load: Load, cores: Cores | undefined): Promise<Measured> {
  const publishers = load.publishers * load.rooms
  const tally = new Tally({ ...load, publishers, perSecond: load.rate / load.subscribers })
  const crowd = await Crowd.gather(server, load, tally)
  try {
    // Each room gets as many as the others.
    const total = Math.ceil(((load.warmUp + load.seconds) * 1000) / tally.interval / publishers) * publishers
    tally.begin(performance.now() + 50)
    crowd.beat = publishing(crowd.publishers, tally, total)
    const until = async (reached: () => boolean): Promise<void> => {
      while (!reached()) {
        await sleep(1)
        crowd.beat(performance.now())
      }
    }
    await until(() => performance.now() >= tally.from)
    const before = tally.delivered
    const measured = meter(server, cores)
    await until(() => performance.now() >= tally.until)
    const used = measured()
    const delivered = tally.delivered - before
    const patience = tally.until + DRAIN
    await until(() => performance.now() > patience || tally.delivered >= total * load.subscribers)
    // Time for what should not come: a duplicate would be seen.
    await sleep(20)

    const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0)
    const refused = sum(crowd.publishers.map((publisher) => publisher.refused))
    // What was refused is not lost: its publisher knows.
    const missing = crowd.subscribers.map(({ received }) => total / load.rooms - refused - received)
    const due = tally.lag.count * Math.ceil(load.subscribers / EVERY)
    const figures = {
      deliveries: (delivered / used.wall) * 1000,
      p50: tally.latency.quantile(0.5, due),
      p99: tally.latency.quantile(0.99, due),
      p999: tally.latency.quantile(0.999, due),
      each: (used.cpu * 1000) / delivered,
      server: used.server,
      generator: used.generator,
      late: tally.lag.quantile(0.99, tally.lag.count),
      lost: sum(missing.map((count) => Math.max(0, count))),
      disorder: tally.disorder + sum(missing.map((count) => Math.max(0, -count))),
      refused,
    }
    return { rate: load.rate, figures, ...judge(load, figures, used, crowd.troubles) }
  } finally {
    crowd.disperse()
  }
}

/** Latency beyond which a rate is not held (ms): of 99 in 100 deliveries. */
export const BOUND = 50

function judge(
  load: Load,
  {
    deliveries,
    p99,
    lost,
    disorder,
    refused,
    late,
  }: Record<'deliveries' | 'p99' | 'lost' | 'disorder' | 'refused' | 'late', number>,
  used: Used,
  troubles: readonly string[],
): Omit<Measured, 'figures' | 'rate'> {
  const complete = deliveries >= load.rate * 0.98 && lost === 0 && disorder === 0
  const held = complete && p99 <= BOUND
  const limit = limitOf(used, late)
  const notes: string[] = []
  if (!complete) notes.push('not all of it was delivered in time')
  else if (!held) notes.push(`p99 over ${BOUND} ms`)
  if (limit !== undefined) {
    if (used.server >= 0.9) notes.push(`the server had no more to give, and ${limit}`)
    else notes.push(held ? `${limit}: latency is its own` : `NO FIGURE OF THE SERVER: ${limit}`)
  }
  if (lost > 0) notes.push(`${lost} LOST`)
  if (disorder > 0) notes.push(`${disorder} OUT OF ORDER`)
  if (refused > 0) notes.push(`${refused} publishes were refused`)
  return {
    held,
    ...(complete && !held && { slow: true }),
    ...(held ? {} : doubt(used, late)),
    notes: [...notes, ...noise(used), ...troubles.slice(0, 3)],
  }
}

/** Publishes all that is due, in turns; called as often as possible, so that what is due leaves on time. */
export function publishing(publishers: Publisher[], tally: Tally, total: number, first = 0): (now: number) => void {
  let published = first
  return (now) => {
    if (published >= total || now < tally.dueOf(published)) return
    const from = published
    for (; published < total && tally.dueOf(published) <= now; published++) {
      tally.sent((publishers[published % publishers.length] as Publisher).queue(), now)
    }
    const touched = Math.min(published - from, publishers.length)
    for (let i = 0; i < touched; i++) (publishers[(from + i) % publishers.length] as Publisher).flush()
  }
}
