import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  comparePositions,
  epochLineage,
  epochTime,
  epochWriter,
  formatCursor,
  newEpoch,
  parseCursor,
  START,
} from '../../../src/protocol/cursor.ts'

const epoch = fc
  .tuple(fc.integer({ min: 0, max: 4e13 }), fc.stringMatching(/^[0-9a-z]{6}$/))
  .map(([time, mark]) => newEpoch(time, mark))
const position = fc.record({ epoch, offset: fc.oneof(fc.nat(100), fc.maxSafeNat()) })

describe('cursors', () => {
  it('CUR-1 come back as they went out, and are safe in URLs and headers', () => {
    fc.assert(
      fc.property(position, (at) => {
        const text = formatCursor(at)
        expect(text).toMatch(/^[a-z0-9-]{1,40}$/)
        expect(parseCursor(text)).toEqual(at)
      }),
    )
  })

  it('CUR-1 sort bytewise as their positions do', () => {
    fc.assert(
      fc.property(position, position, fc.boolean(), (a, b, sameEpoch) => {
        const other = sameEpoch ? { ...b, epoch: a.epoch } : b
        const [x, y] = [formatCursor(a), formatCursor(other)]
        expect(Math.sign(comparePositions(a, other))).toBe(x === y ? 0 : x < y ? -1 : 1)
      }),
    )
  })

  it('CUR-2 0-0 sorts before all', () => {
    expect(parseCursor('0-0')).toEqual(START)
    fc.assert(fc.property(position, (at) => formatCursor(at) > '0-0' && comparePositions(START, at) < 0))
  })

  const good = formatCursor({ epoch: newEpoch(1e12, 'abcdef'), offset: 36 })
  it.each([
    '',
    '0',
    '0-1',
    `${good}0`,
    good.slice(1),
    good.toUpperCase(),
    `${good.slice(0, -3)}101`,
    'x'.repeat(1000),
    `${good} `,
    `${good}\n`,
  ])('CUR-1 %j is none', (text) =>
    expect(() => parseCursor(text)).toThrow(expect.objectContaining({ code: 'bad_cursor' })),
  )

  it('CUR-1 an epoch sorts after the one before it, also when the clock was set back', () => {
    const first = newEpoch(2e12, 'zzzzzz')
    const second = newEpoch(1e12, '012abc', first)
    expect(second > first).toBe(true)
    expect([epochTime(first), epochTime(second)]).toEqual([2e12, 2e12 + 1])
    expect([epochWriter(second), epochLineage(second)]).toEqual(['012', 'abc'])
  })
})
