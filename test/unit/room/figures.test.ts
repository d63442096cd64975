import { expect, test } from 'vitest'
import type { Entry } from '../../../src/protocol/entry.ts'
import { RoomFigures } from '../../../src/room/figures.ts'

const messages = (count: number) => Array<Entry>(count).fill({ type: 'message' } as Entry)

test('INFO-1 the rate rises with what comes and fades with time', () => {
  const tally = new RoomFigures()
  expect(tally.rateAt(0)).toBe(0)
  for (let now = 0; now < 60_000; now += 100) tally.settled(messages(1), now)
  expect(tally.rateAt(60_000)).toBeCloseTo(10, 0)
  expect(tally.rateAt(70_000)).toBeCloseTo(3.7, 0)
  expect(tally.rateAt(300_000)).toBe(0)
  // A clock that was put back.
  expect(tally.rateAt(1000)).toBeCloseTo(10, 0)
})

test('INFO-1 what took so long is counted under the next bound, by messages', () => {
  const tally = new RoomFigures()
  for (const [took, count] of [
    [0, 1],
    [1, 2],
    [2, 3],
    [999, 4],
    [1001, 5],
  ] as const) {
    tally.settled(messages(count), 5000 + took, 5000)
  }
  tally.settled(messages(6), 9000)
  tally.settled([{ type: 'presence' } as Entry], 9000, 8000)
  tally.delivered(3, 4)
  const { messages: sum, deliveries, latency } = tally.figuresAt(9000)
  expect([sum, deliveries]).toEqual([21, 12])
  const none = Object.fromEntries([5, 10, 20, 50, 100, 200, 500].map((bound) => [bound, 0]))
  expect(latency).toEqual({ 1: 3, 2: 3, ...none, 1000: 4, more: 5 })
})
