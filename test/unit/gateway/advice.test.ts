import { expect, test } from 'vitest'
import { retryAfter } from '../../../src/gateway/advice.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'

const times = (clients?: number) => Array.from({ length: 2000 }, () => retryAfter(clients))

test('DRAIN-2 one that is sent away alone comes back within five seconds', () => {
  expect(Math.min(...times())).toBeGreaterThanOrEqual(0.5)
  expect(Math.max(...times())).toBeLessThanOrEqual(4.5)
})

test('DRAIN-1 many are spread, and all of them are back before their sessions end', () => {
  expect(Math.max(...times(3000))).toBeGreaterThan(10)
  expect(Math.max(...times(3000))).toBeLessThanOrEqual(15.5)
  for (const clients of [6000, 20_000, 1_000_000]) {
    expect(Math.max(...times(clients))).toBeGreaterThan(15)
    expect(Math.max(...times(clients)) * 1000).toBeLessThan(LIMITS.grace * 0.7)
  }
})
