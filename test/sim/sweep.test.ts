import { describe, expect, it } from 'vitest'
import { type Fault, Faults } from './faults.ts'
import { Run, type RunOptions } from './run.ts'

const FAULTS: readonly Fault[] = ['commit', 'answer', 'read', 'send', 'tell']
const SCENARIOS = [true, false].flatMap((isEdge) => [true, false].map((isTally) => ({ isEdge, isTally })))

const play = (scenario: Omit<RunOptions, 'seed'>, faults: Faults) => {
  const run = new Run({ seed: 32, steps: 150, faults, ...scenario })
  return { wrong: run.play(), errors: run.host.errors.map(String) }
}

describe.each(SCENARIOS)('with isEdge $isEdge and isTally $isTally', (scenario) => {
  it.each(FAULTS)('FOLLOW-2, OPS-3 whichever %s fails, it is said aloud or made good, and nothing is lost', (fault) => {
    const clean = new Faults()
    expect(play(scenario, clean)).toEqual({ wrong: [], errors: [] })
    const count = clean.counts[fault]
    expect(count).toBeGreaterThan(5)
    for (let nth = 1; nth <= count; nth++) {
      const { wrong, errors } = play(scenario, new Faults((kind, n) => kind === fault && n === nth))
      expect(wrong, `${fault} ${nth} of ${count}`).toEqual([])
      // The operator has heard of it, and of nothing else.
      expect(errors).toEqual([`Error: ${fault} ${nth} was made to fail`])
    }
  })
})
