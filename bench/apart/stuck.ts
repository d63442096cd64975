import { parseArgs } from 'node:util'
import { pickCores, pinSelf } from '../machine/cpu.ts'
import { startOpen } from '../servers/servers.ts'
import { mostMemory, openReaders, publishSteadily, quantile } from './steady.ts'

/**
 * What a hundred readers that are stuck cost everybody else: latency of ten that are not, and the server's memory.
 * A hundred more readers cost something as they are, so those who do not read stand beside as many who do.
 */
const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    rate: { type: 'string', default: '500' },
    bytes: { type: 'string', default: '1024' },
    seconds: { type: 'string', default: '20' },
    healthy: { type: 'string', default: '10' },
    others: { type: 'string', default: '100' },
  },
})
const load = { rate: Number(values.rate), bytes: Number(values.bytes), seconds: Number(values.seconds) }
const cores = pickCores()
if (cores) pinSelf(cores.generator)

interface Others {
  readonly count: number
  readonly read: boolean
}

async function measure(target: 'node' | 'workerd', { count, read }: Others): Promise<string> {
  const server = await startOpen(target, cores)
  const url = new URL('/v1/rooms/stuck/ws', server.url)
  const [healthy, others] = [await openReaders(url, Number(values.healthy)), await openReaders(url, count)]
  if (!read) for (const reader of others) reader.pause()
  try {
    const warm = await publishSteadily(url, 0, { ...load, seconds: 2 })
    warm.end()
    const before = server.memory
    for (const { latencies } of healthy) latencies.length = 0
    const { most, result } = await mostMemory(server, publishSteadily(url, warm.from, load))
    for (let tries = 0; tries < 500 && healthy.some(({ next }) => next < result.from); tries++)
      await new Promise((resolve) => setTimeout(resolve, 10))
    result.end()
    const lost = healthy.reduce((sum, { next, disorder }) => sum + result.from - next + disorder, 0)
    const all = healthy.flatMap(({ latencies }) => latencies)
    const [p50, p99] = [0.5, 0.99].map((share) => quantile(all, share).toFixed(2).padStart(7))
    const mebibytes = [before, most].map((bytes) => (bytes / 2 ** 20).toFixed(0).padStart(5))
    return `${target.padEnd(8)} ${`${count} ${read ? 'read' : 'stuck'}`.padStart(9)} ${p50} ${p99} ${mebibytes.join(' ')} ${String(lost).padStart(5)}`
  } finally {
    for (const reader of [...healthy, ...others]) reader.socket.destroy()
    await server.stop()
  }
}

console.log(
  `${load.rate} messages/s of ${load.bytes} bytes for ${load.seconds} s; latency of ${values.healthy} healthy readers; `,
  cores ? 'server and generator on a core each' : 'NOTHING PINNED',
)
console.log('target      others  p50 ms  p99 ms   MiB  most  lost')
for (const target of ['node', 'workerd'] as const) {
  if (values.target !== undefined && values.target !== target) continue
  const count = Number(values.others)
  const rows = [
    { count: 0, read: true },
    { count, read: true },
    { count, read: false },
  ]
  for (const row of rows) console.log(await measure(target, row))
}
