import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { pickCores, pinSelf } from './cpu.ts'
import { type Load, measure } from './generator.ts'
import { MESSAGE_BYTES } from './message.ts'
import type { Mode } from './publisher.ts'
import { heading, judge, machine, type Row, show } from './report.ts'
import { type Server, startServer, type Target } from './server.ts'

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    mode: { type: 'string' },
    rate: { type: 'string' },
    subscribers: { type: 'string', default: '500' },
    publishers: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
})

const NODE_LADDER = [25_000, 200_000, 700_000, 1_000_000, 2_000_000]
const LADDER: [Target, Mode, number[]][] = [
  ['node', 'plain', NODE_LADDER],
  ['node', 'holdline.v1', NODE_LADDER],
  ['workerd', 'holdline.v1', [25_000, 200_000, 500_000]],
  // A yardstick only: it runs when it is asked for.
  ['ws', 'plain', [25_000, 200_000, 700_000]],
]

function choice<T extends string>(name: string, value: string | undefined, known: readonly T[]): T | undefined {
  if (value === undefined || known.includes(value as T)) return value as T | undefined
  throw new Error(`--${name} is one of ${known.join(', ')}`)
}

function number(name: 'subscribers' | 'publishers' | 'seconds' | 'rate', most: number): number {
  const value = Number(values[name])
  if (value > 0 && value <= most) return value
  throw new Error(`--${name} is a number up to ${most}`)
}

const target = choice('target', values.target, ['node', 'workerd', 'ws'] as const)
const mode = choice('mode', values.mode, ['plain', 'holdline.v1'] as const)
const common = {
  subscribers: number('subscribers', 10_000),
  publishers: number('publishers', 99),
  seconds: number('seconds', 600),
}
const rows = LADDER.filter(([t]) => t === (target ?? t) && (target === 'ws' || t !== 'ws'))
  .filter(([t, m]) => m === (mode ?? m) || (t === 'workerd' && mode === 'plain'))
  .flatMap(([t, m, rates]) =>
    (values.rate ? [number('rate', 1e8)] : rates).map((rate) => [t, mode ?? m, rate] as const),
  )
if (rows.length === 0) throw new Error(`${target} does not speak ${mode}`)

const cores = pickCores()
if (cores) pinSelf(cores.generator)

async function run(target: Target, load: Load): Promise<Row> {
  const { warmUp: _, ...row } = load
  let server: Server | undefined
  try {
    server = await startServer(target, cores, values.profile)
    const figures = await measure(server, load, cores)
    return { target, ...row, ...figures, verdict: judge(load, figures) }
  } catch (error) {
    return { target, ...row, verdict: `FAILED: ${(error as Error).message}` }
  } finally {
    await server?.stop()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
// Nothing here may hang for ever, whatever a server does.
setTimeout(
  () => {
    console.error('out of time')
    process.exit(1)
  },
  rows.length * (common.seconds + 60) * 1000,
).unref()

console.log(
  `${common.subscribers} subscribers, ${common.publishers} publishers, ${MESSAGE_BYTES}-byte messages, ${common.seconds} s a row; `,
  cores
    ? `server on core ${cores.server}, generator on core ${cores.generator}`
    : 'NOTHING PINNED: figures are not of one core',
)
console.log(heading())
const done: Row[] = []
for (const [target, mode, rate] of rows) {
  const row = await run(target, { ...common, mode, rate, warmUp: 2 })
  done.push(row)
  console.log(show(row))
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: machine(), cores, rows: done }, null, 2)}\n`)
if (done.some(({ verdict }) => verdict.startsWith('FAILED'))) process.exitCode = 1
