import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { WORKS, type Work } from '../plan.ts'
import { KINDS, type KindName } from '../servers/servers.ts'
import { BOUND } from '../work/fanout.ts'
import { columnsOf, type FigureName, FORMATS, format } from './formats.ts'
import { outcomes } from './goals.ts'
import { behind } from './peers.ts'
import { plot, type Series } from './plot.ts'
import type { Results } from './results.ts'
import type { Row } from './row.ts'

const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export const RESULTS = from('../results.json')

/** Writes docs/performance.md and its plots. */
export function writePage(results: Results): void {
  writeFileSync(from('../../docs/img/fan-out-latency.svg'), latencies(results.rows))
  writeFileSync(from('../../docs/img/fan-out-cpu.svg'), costs(results.rows))
  writeFileSync(from('../../docs/performance.md'), page(results))
}

const label = (server: string): string => KINDS[server as KindName].label

const X = {
  label: 'deliveries per second that were asked for',
  from: 20_000,
  to: 4_000_000,
  ticks: [25_000, 100_000, 500_000, 1_000_000, 3_000_000],
}

function series(rows: readonly Row[], name: FigureName): readonly Series[] {
  const ladder = rows.filter(({ work }) => work === 'fan-out')
  return [...new Set(ladder.map(({ server }) => server))].map((server) => ({
    label: label(server).replaceAll('`', ''),
    points: ladder
      .filter((row) => row.server === server)
      .map(({ rate = 0, figures }) => [rate, figures[name] ?? Number.POSITIVE_INFINITY] as const),
  }))
}

const latencies = (rows: readonly Row[]): string =>
  plot({
    title: 'Latency of the slowest in a hundred deliveries',
    description:
      'By the rate of deliveries to 500 subscribers of one room. A line ends with the first rate that is not delivered in time.',
    x: X,
    y: { label: 'p99, ms', from: 1, to: 5000, ticks: [1, 10, 100, 1000] },
    series: series(rows, 'p99'),
    bound: BOUND,
  })

const costs = (rows: readonly Row[]): string =>
  plot({
    title: 'CPU of the server per delivery',
    description: 'By the rate of deliveries to 500 subscribers of one room.',
    x: X,
    y: { label: 'µs', from: 0.1, to: 100, ticks: [0.1, 1, 10, 100] },
    series: series(rows, 'each'),
  })

function page({ date, machine, versions, rows, missing }: Results): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `# Performance

Measured on ${date} by \`npm run bench\`, which writes this page: ${machine.cores} cores of ${machine.cpu}, ${machine.system}.
${machine.pinned ? 'Each server had one core, what loads it another.' : '**Nothing was pinned: these are not figures of one core.**'}
${named.join(', ')}.

Holdline ran as a deployment runs it: its log on disk, sessions, tokens and API keys on, limits on (set above the load). The others did
the same deliveries, without a log, tokens or sessions, and each message by itself, as their documentation has it. Holdline on Node had V8's
young generation bounded, as \`npm start\` has it; the others on Node had V8's own bounds. [How it is measured](../bench/README.md).

## What it is to reach

| | wanted | measured | |
|---|---|---|---|
${outcomes(rows)
  .map(
    ({ name, wanted, value = 'not measured', reached }) =>
      `| ${name} | ${wanted} | ${value} | ${reached === undefined ? '' : reached ? 'reached' : '**not reached**'} |`,
  )
  .join('\n')}

## Fan-out

![p99 by rate, of each server](img/fan-out-latency.svg)

![CPU per delivery by rate, of each server](img/fan-out-cpu.svg)

A line ends with the first rate of which not all was delivered in time. A rate is held if it was, and p99 was at most ${BOUND} ms. A busy room packs what is due into one write,
so its CPU per delivery falls with the rate. On Node it then rests as long as it worked, 25 ms at most, and its share of a core stays near 60 %.

## Where others are better

${
  behind(rows)
    .map((line) => `- ${line}`)
    .join('\n') || 'In nothing that was measured in this run.'
}

${sections(rows)}${missing.length === 0 ? '' : `\n## Not measured\n\n${missing.map((what) => `- ${what}`).join('\n')}\n`}`
}

function sections(rows: readonly Row[]): string {
  return (Object.keys(WORKS) as Work[])
    .map((work) => [work, rows.filter((row) => row.work === work)] as const)
    .filter(([, own]) => own.length > 0)
    .map(([work, own]) => `## ${capital(WORKS[work])}\n\n${table(own)}\n`)
    .join('\n')
}

function table(rows: readonly Row[]): string {
  const columns = columnsOf(rows)
  const hasRates = rows.some(({ rate }) => rate !== undefined)
  const head = ['', ...(hasRates ? ['wanted/s'] : []), ...columns.map((name) => FORMATS[name][0]), '']
  const body = rows.map(({ server, rate, figures, notes }) => [
    label(server),
    ...(hasRates ? [rate?.toLocaleString('en') ?? ''] : []),
    ...columns.map((name) => format(name, figures[name])),
    notes.join('; '),
  ])
  const rule = head.map((_, i) => (i === 0 || i === head.length - 1 ? '---' : '--:'))
  return [head, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Again, from what was measured last: `node bench/report/page.ts`. */
if (import.meta.main) writePage(JSON.parse(readFileSync(RESULTS, 'utf8')))
