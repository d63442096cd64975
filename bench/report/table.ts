import { cpus } from 'node:os'
import type { Figures, Load } from './generator.ts'
import type { Target } from './server.ts'

export interface Row extends Omit<Load, 'warmUp'>, Partial<Figures> {
  target: Target
  verdict: string
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
const milliseconds = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : 'never')

/** What the figures of a row may be used for. A generator at its limit, or starved, says nothing about the server. */
export function judge(load: Load, figures: Figures): string {
  const { others, lost, disorder, refused } = figures
  const words = [outcome(load, figures)]
  if (lost > 0) words.push(`${lost} LOST`)
  if (disorder > 0) words.push(`${disorder} OUT OF ORDER`)
  if (refused > 0) words.push(`${refused} publishes refused`)
  if (others.server > 0.1 || others.generator > 0.1) {
    words.push(`noisy: others took ${percent(others.server)} and ${percent(others.generator)} of the two cores`)
  }
  return words.join('; ')
}

function outcome(load: Load, figures: Figures): string {
  const { deliveriesPerSecond, lost, disorder, generatorCpu, serverCpu, lag, others } = figures
  const held = deliveriesPerSecond >= load.rate * 0.99 && lost === 0 && disorder === 0
  const full = generatorCpu >= 0.95
  const limit = full ? 'the generator was at its limit' : lag > 20 ? 'the generator was starved' : undefined
  if (held) return limit === undefined ? 'held' : `held, but ${limit}: latency is its own`
  if (serverCpu >= 0.9) return `server saturated${full ? ', the generator too' : ''}`
  if (limit !== undefined || others.server > 0.25)
    return `NOT A FIGURE OF THE SERVER: ${limit ?? 'it was starved by others'}`
  return 'not held, for reasons other than CPU'
}

const COLUMNS = [
  'target',
  'mode',
  'wanted/s',
  'delivered/s',
  'p50 ms',
  'p99 ms',
  'µs each',
  'server',
  'generator',
  'lag ms',
  'lost',
]
const WIDTHS = [8, 12, 10, 12, 8, 8, 8, 7, 10, 7, 6]

const line = (cells: string[], verdict: string): string =>
  `${cells.map((cell, i) => (i < 2 ? cell.padEnd(WIDTHS[i] as number) : cell.padStart(WIDTHS[i] as number))).join(' ')}  ${verdict}`

export const heading = (): string => line(COLUMNS, 'verdict')

export function show(row: Row): string {
  const { deliveriesPerSecond, p50, p99, cpuPerDelivery, serverCpu, generatorCpu, lag, lost } = row
  const cells = [row.target, row.mode, row.rate.toLocaleString('en')]
  if (deliveriesPerSecond !== undefined) {
    cells.push(
      Math.round(deliveriesPerSecond).toLocaleString('en'),
      milliseconds(p50 as number),
      milliseconds(p99 as number),
      (cpuPerDelivery as number).toFixed(2),
      percent(serverCpu as number),
      percent(generatorCpu as number),
      milliseconds(lag as number),
      String(lost),
    )
  }
  return [line(cells, row.verdict), ...(row.troubles ?? []).slice(0, 5).map((trouble) => `    ${trouble}`)].join('\n')
}

export function machine() {
  const [cpu, ...others] = cpus()
  return { cpu: cpu?.model.trim(), cores: others.length + 1, node: process.version, platform: process.platform }
}
