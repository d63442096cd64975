import { expect, it, onTestFinished, vi } from 'vitest'
import { environment } from '../../../src/client/environment.ts'

it('waits for ever rather than not at all, whatever a server advises', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const timer = vi.spyOn(globalThis, 'setTimeout')
  environment.after(3_000_000_000, () => {})()
  environment.after(Number.POSITIVE_INFINITY, () => {})()
  environment.after(1000, () => {})()
  expect(timer.mock.calls.map(([, milliseconds]) => milliseconds)).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 1000])
})
