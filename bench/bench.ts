import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pickCores, pinSelf } from './machine/cpu.ts'
import { type Job, plan, WORKS } from './plan.ts'
import { outcomes } from './report/goals.ts'
import { RESULTS, writePage } from './report/page.ts'
import { about, type Results } from './report/results.ts'
import type { Measured, Row } from './report/row.ts'
import { printer, summary } from './report/terminal.ts'
import { type Kind, Server } from './servers/server.ts'
import { KINDS } from './servers/servers.ts'

/** `npm run bench`: see README.md. */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    work: { type: 'string' },
    server: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
})
const { quick, work, server, profile } = values
const isWhole = !quick && work === undefined && server === undefined && profile === undefined
/** What has not begun by then is left out (ms). */
const TIME = quick ? 100_000 : 575_000
/** Nothing here may hang for ever, whatever a server does (ms). */
const LONGEST = 60_000

const peers = fileURLToPath(new URL('peers', import.meta.url))
if (!existsSync(`${peers}/node_modules`)) {
  console.log('The peers are installed, once: npm ci --prefix bench/peers')
  spawnSync('npm', ['ci', '--prefix', peers, '--no-audit', '--no-fund'], { stdio: 'inherit' })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const cores = pickCores()
if (cores) pinSelf(cores.generator)
console.log(
  cores
    ? `Servers run on core ${cores.server}, the generator on core ${cores.generator}.`
    : 'NOTHING IS PINNED: no figure is of one core.',
)
if (quick) console.log('Quick: shorter, fewer rungs, 1,000 clients come back, 2,000 connections are idle.')
const jobs = plan(quick).filter((job) => chosen(work, job.work) && chosen(server, job.server))
if (jobs.length === 0) {
  console.error(
    `--work is one of ${Object.keys(WORKS).join('; ')}. --server is one of ${Object.keys(KINDS).join(', ')}.`,
  )
  process.exit(1)
}
const rows: Row[] = []
const missing = new Set<string>()
const print = printer(console.log)
const began = performance.now()
for (const job of jobs) await run(job)

const results: Results = { ...about(cores), rows, missing: [...missing] }
for (const what of missing) console.log(`\nNot measured: ${what}`)
console.log(summary(outcomes(rows)))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
if (isWhole) {
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  writePage(results)
  console.log('\nWritten: bench/results.json, docs/performance.md and its plots.')
}
process.exit(0)

function chosen(wanted: string | undefined, name: string): boolean {
  return wanted === undefined || wanted.split(',').some((each) => each.trim() === name)
}

async function run({ work, server, rungs = [], alone }: Job): Promise<void> {
  const kind: Kind = KINDS[server]
  const add = (measured: Measured): void => {
    const row = { work, server, ...measured }
    rows.push(row)
    print(row)
  }
  const why = kind.missing?.() ?? (performance.now() - began > TIME ? 'the time was over' : undefined)
  if (why !== undefined) {
    missing.add(`${work}, ${kind.label}: ${why}`)
    return
  }
  let started: Server | undefined
  try {
    if (alone !== undefined) add(await inTime(alone(cores)))
    else {
      started = await Server.start(kind, cores, { profile })
      for (const rung of rungs) {
        let measured = await inTime(rung(started, cores))
        // Once more, and on to the next: whether the server is at its end has yet to be seen.
        if (measured.unsure) measured = await inTime(rung(started, cores))
        add(measured)
        if (!measured.held && !measured.unsure && !measured.slow) break
      }
    }
  } catch (error) {
    missing.add(`${work}, ${kind.label}: ${(error as Error).message}`)
  } finally {
    await started?.stop()
  }
}

async function inTime<T>(measuring: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${LONGEST / 1000} s`)), LONGEST)
  })
  try {
    return await Promise.race([measuring, late])
  } finally {
    clearTimeout(timer)
  }
}
