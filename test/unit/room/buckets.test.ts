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
