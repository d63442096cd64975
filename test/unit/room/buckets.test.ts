import { expect, test, vi } from 'vitest'
import { Buckets } from '../../../src/room/buckets.ts'

test('LIMIT-2 however many take at once, each has what is its own, and all are not looked through for each', () => {
  const buckets = new Buckets<number>(1)
  const looked = vi.spyOn(Map.prototype, Symbol.iterator)
  for (let key = 0; key < 50_000; key++) expect(buckets.take(key, 0)).toBeNull()
  expect(looked.mock.calls.length).toBeLessThan(5)
  looked.mockRestore()
  for (let key = 0; key < 50_000; key += 1000) expect(buckets.take(key, 0)).toBe(1)
  for (let key = 0; key < 50_000; key += 1000) expect(buckets.take(key, 1000)).toBeNull()
})

test('LIMIT-2 a clock that is set back keeps nobody out for as long', () => {
  const buckets = new Buckets<string>(2)
  const hour = 3_600_000
  for (const key of ['quiet', 'busy', 'busy']) expect(buckets.take(key, hour)).toBeNull()
  expect(buckets.take('quiet', 0)).toBeNull()
  expect(buckets.take('busy', 0)).toBe(0.5)
  expect(buckets.take('busy', 500)).toBeNull()
})
