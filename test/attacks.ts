import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const RUNTIMES = ['node', 'workerd']

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Runs the attacks and prints how many were repelled, by runtime: `node test/attacks.ts`. */
const outputFile = join(tmpdir(), `attacks-${process.pid}.json`)
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config=test/attacks.config.ts',
  '--root=.',
  '--silent=true',
  '--reporter=json',
  `--outputFile=${outputFile}`,
]
spawnSync(process.execPath, vitest, { stdio: 'ignore' })
const { testResults } = JSON.parse(readFileSync(outputFile, 'utf8')) as Report
rmSync(outputFile)
const cases = testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => status !== 'skipped')
const counts = RUNTIMES.map((runtime) => {
  const own = cases.filter(({ fullName }) => new RegExp(`\\bon ${runtime}\\b`, 'i').test(fullName))
  return [runtime, { passed: own.filter(({ status }) => status === 'passed').length, of: own.length }]
})
for (const { fullName, status } of cases)
  if (status !== 'passed' && status !== 'pending') console.error(`${status}: ${fullName}`)
console.table(Object.fromEntries(counts))
process.exitCode = cases.every(({ status }) => status === 'passed') ? 0 : 1
