import { cpus } from 'node:os'
import type { Figures, Load } from './generator.ts'
import type { Target } from './server.ts'

export interface Row extends Omit<Load, 'warmUp'>, Partial<Figures> {
  target: Target
  verdict: string
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
const milliseconds = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : 'never')

/** What the figures of a row may be used for. A generator at its limit says nothing about the server. */
export function judge(load: Load, figures: Figures): string {
  const held = figures.deliveriesPerSecond >= load.rate * 0.99 && figures.lost === 0 && figures.disorder === 0
  const generatorLimit = figures.generatorCpu >= 0.95 || figures.lag > 20
  const words = [
    held
      ? generatorLimit
        ? 'held, but the generator was at its limit: latency is its own'
        : 'held'
      : generatorLimit && figures.serverCpu < 0.9
        ? 'NOT A FIGURE OF THE SERVER: the generator was at its limit'
        : figures.serverCpu >= 0.9
          ? `server saturated${generatorLimit ? ', the generator too' : ''}`
          : 'not held, for reasons other than CPU',
  ]
  if (figures.lost > 0) words.push(`${figures.lost} LOST`)
  if (figures.disorder > 0) words.push(`${figures.disorder} OUT OF ORDER`)
  if (figures.refused > 0) words.push(`${figures.refused} publishes refused`)
  const { server, generator } = figures.others
  if (server > 0.1 || generator > 0.1) {
    words.push(`noisy: others took ${percent(server)} of the server's core, ${percent(generator)} of the generator's`)
  }
  return words.join('; ')
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
