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

/** When memory is looked at (s). */
const REST = 10
/** Of a client (s): only who has been there for one is as it will stay, and only in one has each of them pinged. */
const HEARTBEAT = 25

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
    await sleep(Math.min(seconds, REST) * 1000)
    const memory = (server.memory - before) / connections
    const notes = [...(connections < FULL ? [`${connections} connections`] : []), ...crowd.troubles]
    const held = crowd.troubles.length === 0
    if (seconds < HEARTBEAT) return { figures: { memory }, held, notes }
    first.disperse()
    await sleep((HEARTBEAT - REST) * 1000)
    const measured = meter(server, cores)
    await sleep(seconds * 1000)
    const used = measured()
    return { figures: { memory, server: used.server }, held, notes: [...notes, ...noise(used)] }
  } finally {
    first.disperse()
    crowd.disperse()
  }
}
