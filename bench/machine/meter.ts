import { performance } from 'node:perf_hooks'
import type { Server } from '../servers/server.ts'
import { type Cores, coreBusy, cpuOf } from './cpu.ts'

/** What was used between two moments. */
export interface Used {
  /** Milliseconds that passed. */
  readonly wall: number
  /** Milliseconds of CPU of the server, all its processes and threads. */
  readonly cpu: number
  /** Shares of a core. */
  readonly server: number
  readonly generator: number
  /** Shares of the two cores that went to others; NaN where nothing is pinned: there is no telling whose core it was. */
  readonly othersServer: number
  readonly othersGenerator: number
}

/** Starts to measure; what it returns tells what was used since. */
export function meter(server: Server, cores: Cores | undefined): () => Used {
  const look = () => ({
    time: performance.now(),
    cpu: server.cpu,
    own: cpuOf(process.pid),
    busy: cores === undefined ? [0, 0] : [coreBusy(cores.server), coreBusy(cores.generator)],
  })
  const before = look()
  return () => {
    const after = look()
    const wall = after.time - before.time
    const [cpu, own] = [after.cpu - before.cpu, after.own - before.own]
    const others = (core: 0 | 1, used: number): number =>
      cores === undefined
        ? Number.NaN
        : Math.max(0, (after.busy[core] as number) - (before.busy[core] as number) - used) / wall
    return {
      wall,
      cpu,
      server: cpu / wall,
      generator: own / wall,
      othersServer: others(0, cpu),
      othersGenerator: others(1, own),
    }
  }
}
