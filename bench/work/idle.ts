import { setTimeout as sleep } from 'node:timers/promises'
import { Crowd } from '../load/crowd.ts'
import type { Cores } from '../machine/cpu.ts'
import { meter } from '../machine/meter.ts'
import { type Measured, noise } from '../report/row.ts'
import type { Server } from '../servers/server.ts'

/** What a server holds before the first of those that are counted: code that has run, and heaps that have grown for it. */
const WARM_UP = { rooms: 20, subscribers: 100, publishers: 0 }
const ROOMS = 100
/** What the page says that there are. */
const FULL = 10_000

/** Connections that are only there: what memory each takes, and what CPU all of them, with their heartbeats. */
export async function idle(
  server: Server,
  connections: number,
  seconds: number,
  cores: Cores | undefined,
): Promise<Measured> {
  const nobody = { disorder: 0, arrived: () => {} }
  const first = await Crowd.gather(server, WARM_UP, nobody)
  await sleep(500)
  const before = server.memory
  const crowd = await Crowd.gather(server, { rooms: ROOMS, subscribers: connections / ROOMS, publishers: 0 }, nobody)
  try {
    const measured = meter(server, cores)
    await sleep(seconds * 1000)
    const used = measured()
    const memory = (server.memory - before) / connections
    // The first are there too, with their heartbeats, and are not among those that the page names.
    const share = connections / (connections + WARM_UP.rooms * WARM_UP.subscribers)
    return {
      figures: { memory, ...(seconds >= 25 && { server: used.server * share }) },
      held: crowd.troubles.length === 0,
      notes: [...(connections < FULL ? [`${connections} connections`] : []), ...noise(used), ...crowd.troubles],
    }
  } finally {
    first.disperse()
    crowd.disperse()
  }
}
