import { Run } from './run.ts'

/**
 * `npm run sim -- SEED` plays one run again, step by step. `npm run sim -- SEED COUNT` plays so many from there on;
 * without arguments, 10,000 that nobody has seen before.
 */
const [from = Math.floor(Math.random() * 2 ** 31), count = process.argv[2] === undefined ? 10_000 : 1] = process.argv
  .slice(2)
  .map(Number)

let failed = 0
for (let seed = from; seed < from + count; seed++) {
  const wrong = new Run({ seed, ...(count === 1 && { trace: (step: string) => console.log(step) }) }).play()
  if (wrong.length === 0) continue
  failed++
  console.log([`seed ${seed}; to replay: npm run sim -- ${seed}`, ...wrong].join('\n  '))
}
console.log(`${count} runs from seed ${from}, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
