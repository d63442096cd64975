import type { Work } from '../plan.ts'
import type { KindName } from '../servers/servers.ts'
import type { FigureName } from './formats.ts'
import type { Row } from './row.ts'

/** A figure that is to be reached, and what it came to; `value` absent: it was not measured. */
export interface Outcome {
  readonly name: string
  readonly wanted: string
  readonly value?: string
  readonly reached?: boolean
}

const thousands = (value: number): string => Math.round(value).toLocaleString('en')
const fixed = (digits: number, unit: string) => (value: number) => `${value.toFixed(digits)}${unit}`

/** What Holdline is to reach on one core, as far as these rows tell. */
export function outcomes(rows: readonly Row[]): readonly Outcome[] {
  const all = (work: Work, server: KindName) => rows.filter((row) => row.work === work && row.server === server)
  const at = (server: KindName, rate: number) => all('fan-out', server).find((row) => row.rate === rate)
  /** The highest rung that held. */
  const best = (server: KindName) =>
    all('fan-out', server)
      .filter(({ held }) => held)
      .at(-1)
  /** Of that, the rate: 0 if none did. */
  const highest = (server: KindName) =>
    best(server)?.rate ?? (all('fan-out', server).some(({ unsure }) => !unsure) ? 0 : undefined)
  /** The same of a peer, if it was seen to hold no more: else it may well do better. */
  const bestOfPeer = (server: KindName) => {
    const after = all('fan-out', server).slice(all('fan-out', server).findLastIndex(({ held }) => held) + 1)
    return after.some(({ unsure }) => !unsure) ? best(server) : undefined
  }
  const figure = (row: Row | undefined, name: FigureName): number | undefined =>
    row?.unsure ? undefined : row?.figures[name]
  const of = (work: Work, server: KindName, name: FigureName) => figure(all(work, server).at(-1), name)
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : a / b
  const most = (name: string, bound: number, write: (value: number) => string, value: number | undefined): Outcome =>
    outcome(name, `≤ ${write(bound)}`, write, value, (measured) => measured <= bound)
  const least = (name: string, bound: number, write: (value: number) => string, value: number | undefined): Outcome =>
    outcome(name, `≥ ${write(bound)}`, write, value, (measured) => measured >= bound)

  const million = at('node', 1_000_000)
  const times = fixed(2, ' ×')
  const ms = fixed(1, ' ms')
  const µs = fixed(2, ' µs')
  const kB = (value: number) => `${(value / 1000).toFixed(1)} kB`
  const light = figure(at('ws', 25_000), 'p99')
  return [
    least(
      'Node, 500 subscribers: deliveries/s when 1,000,000 are asked for',
      980_000,
      thousands,
      figure(million, 'deliveries'),
    ),
    most('… p99 there', 25, ms, figure(million, 'p99')),
    most(
      '… CPU per delivery there, of that of `ws` by hand at its own highest rate',
      0.15,
      times,
      ratio(figure(million, 'each'), figure(bestOfPeer('ws'), 'each')),
    ),
    least('Highest rate, of Socket.IO’s', 5, times, ratio(best('node')?.rate, bestOfPeer('socket.io')?.rate)),
    least('Highest rate, of nchan’s', 2.5, times, ratio(best('node')?.rate, bestOfPeer('nchan')?.rate)),
    least('Node, plain: highest rate', 700_000, thousands, best('node-plain')?.rate),
    most('At light load, 25,000/s: CPU per delivery', 8, µs, figure(at('node', 25_000), 'each')),
    outcome(
      '… p99, no worse than that of `ws` by hand',
      light === undefined ? '' : `≤ ${ms(light)}`,
      ms,
      light === undefined ? undefined : figure(at('node', 25_000), 'p99'),
      (value) => value <= (light ?? 0),
    ),
    least('workerd: highest rate', 500_000, thousands, highest('workerd')),
    least('… of partyserver’s', 5, times, ratio(highest('workerd'), bestOfPeer('partyserver')?.rate)),
    least(
      'workerd: deliveries/s when 500,000 are asked for, however late',
      490_000,
      thousands,
      figure(at('workerd', 500_000), 'deliveries'),
    ),
    most('Long-poll: CPU per answered poll', 45, µs, of('poll', 'node', 'answer')),
    most('… p99', 25, ms, of('poll', 'node', 'p99')),
    least('Durable publishes/s over HTTP, `normal`', 10_000, thousands, of('publish-http', 'node', 'publishes')),
    least('… `full`', 3000, thousands, of('publish-http', 'node-full', 'publishes')),
    most('Memory of an idle connection', 10_000, kB, of('idle', 'node', 'memory')),
    most(
      'CPU of 10,000 idle connections, of a core',
      0.02,
      (value) => `${(value * 100).toFixed(1)} %`,
      of('idle', 'node', 'server'),
    ),
    most('Resume storm: everyone is up to date after', 3, fixed(2, ' s'), of('resume', 'node', 'seconds')),
    most('… p99 of the others meanwhile', 100, ms, of('resume', 'node', 'p99')),
    most('Start-up', 400, (value) => `${Math.round(value)} ms`, of('start-up', 'node', 'startup')),
    most('Bundle of the worker, gzipped', 100_000, kB, of('bundle', 'workerd', 'gzipped')),
  ]
}

function outcome(
  name: string,
  wanted: string,
  write: (value: number) => string,
  value: number | undefined,
  isReached: (value: number) => boolean,
): Outcome {
  if (value === undefined) return { name, wanted }
  return { name, wanted, value: Number.isFinite(value) ? write(value) : 'never', reached: isReached(value) }
}
