import { gzipSync } from 'node:zlib'
import { bundle } from '../../src/cli/bundle.ts'
import type { Cores } from '../machine/cpu.ts'
import type { Measured } from '../report/row.ts'
import { type Kind, Server } from '../servers/server.ts'

/** The starts that are waited for: as many as there is time for (ms), since one may take twice as long as another. */
const [LEAST, MOST, TIME] = [3, 11, 4000]

/** From the start of the process to the first answer: the middle one of several. */
export async function startUp(kind: Kind, cores: Cores | undefined): Promise<Measured> {
  const times: number[] = []
  const until = performance.now() + TIME
  while (times.length < LEAST || (times.length < MOST && performance.now() < until)) {
    const server = await Server.start(kind, cores)
    times.push(server.startup)
    await server.stop()
  }
  times.sort((a, b) => a - b)
  return { figures: { startup: times[times.length >> 1] as number }, held: true, notes: [] }
}

/** The one file that a deploy to the edge uploads. */
export async function bundleSize(): Promise<Measured> {
  const text = await bundle('src/cloudflare/worker.ts')
  return {
    figures: { bytes: Buffer.byteLength(text), gzipped: gzipSync(text, { level: 9 }).length },
    held: true,
    notes: [],
  }
}
