import { describe, expect, it } from 'vitest'
import { Run } from './run.ts'

/** As many as the time of `npm test` allows; CI plays 10,000 (`npm run sim:ci`). */
const RUNS = Number(process.env.SIM_RUNS ?? 1000)
const LOT = Math.min(RUNS, 1000)

/** What went wrong in a run, with the command that plays it again. */
const failuresOf = (seed: number): string[] => {
  const wrong = new Run({ seed }).play()
  return wrong.length === 0 ? [] : [`seed ${seed}; to replay: npm run sim -- ${seed}`, ...wrong]
}

describe('a room in a world that drops, delays, stalls, sleeps, crashes and fails', () => {
  it.each(Array.from({ length: RUNS / LOT }, (_, i) => i * LOT + 1))(
    `FOLLOW-2, FOLLOW-3, PUB-5, PUB-8, CUR-3, PRES-4, BATCH-2 keeps its promises in ${LOT} runs from seed %i`,
    { timeout: 120_000 },
    (from) => {
      for (let seed = from; seed < from + LOT; seed++) expect(failuresOf(seed)).toEqual([])
    },
  )

  it('plays the same again from the same seed', () => {
    const told = [1, 2].map(() => {
      const steps: string[] = []
      const run = new Run({ seed: 23, steps: 250, trace: (step) => steps.push(step) })
      run.play()
      return { steps, feed: run.host.feed.map(({ json }) => json) }
    })
    expect(told[0]?.feed.length).toBeGreaterThan(10)
    expect(told[0]).toEqual(told[1])
  })
})
