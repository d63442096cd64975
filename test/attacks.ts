import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What tries to get in, to get further or to be in the way: each case names the answer that it gets. */
const SUITES = [
  'test/conformance/attacks.test.ts',
  'test/conformance/flood.test.ts',
  'test/conformance/slowloris.test.ts',
  'test/conformance/unconfigured.test.ts',
  'test/webhooks/told.test.ts',
]
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
  '--silent=true',
  '--reporter=json',
  `--outputFile=${outputFile}`,
]
spawnSync(process.execPath, [...vitest, ...SUITES], { stdio: 'ignore' })
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
