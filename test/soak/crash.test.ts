import { expect, test } from 'vitest'
import { chapter } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { crashRounds } from './rounds.ts'
import { announce, seed } from './seed.ts'

announce('crash')

/** `npm run soak` does it fifty times. */
chapter('death, a few times', (gateway) => {
  test(`PUB-3, PUB-5, FOLLOW-2 killed 3 times, nothing acknowledged is lost, repeated or moved (seed ${seed})`, async () => {
    const figures = await crashRounds(gateway, new Random(seed), 3)
    expect(figures.acked).toBeGreaterThan(20)
  })
})
