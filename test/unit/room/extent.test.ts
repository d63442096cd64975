import { describe, expect, it } from 'vitest'
import { formatCursor, START } from '../../../src/protocol/cursor.ts'
import { back, hasBefore, resumeFrom } from '../../../src/room/extent.ts'
import type { Head } from '../../../src/room/ports.ts'

/** Epochs of one log end in its lineage. */
const [a, b, c, d] = ['00000000aaaaxyz', '00000000bbbbxyz', '00000000ccccxyz', '00000000ddddxyz']
const foreign = '00000000bbbbxyy'
/** Three processes wrote; the first two messages of `b` have been pruned, and `c` came after a backup was restored. */
const head: Head = {
  epochs: [
    { name: a, last: 9 },
    { name: b, last: 5 },
    { name: d, last: 3 },
  ],
  floor: { epoch: b, offset: 2 },
}
const resumed = (epoch: string, offset: number) => {
  const { after, gap } = resumeFrom(head, { epoch, offset })
  if (gap !== undefined)
    expect(gap).toMatchObject({ after: formatCursor({ epoch, offset }), before: formatCursor(after) })
  return [after.epoch, after.offset, gap?.reason]
}

describe('where a cursor goes on', () => {
  it.each([
    ['after what was seen', b, 3, [b, 3, undefined]],
    ['at the end of a former epoch', b, 5, [b, 5, undefined]],
    ['at the head', d, 3, [d, 3, undefined]],
    ['at the floor', b, 2, [b, 2, undefined]],
    ['before what is kept', b, 1, [b, 2, 'retention']],
    ['in an epoch of which nothing is kept', a, 9, [b, 2, 'retention']],
    ['before everything', START.epoch, 0, [b, 2, 'retention']],
    ['in an epoch so old that it is forgotten', '000000000001xyz', 4, [b, 2, 'retention']],
    ['beyond what survived of the newest epoch', d, 4, [d, 3, 'rolled-back']],
    ['beyond what survived of a former epoch', b, 6, [b, 5, 'rolled-back']],
    ['beyond what survived of an epoch that is pruned', a, 10, [b, 2, 'rolled-back']],
    ['in an epoch of which nothing survived', c, 2, [b, 5, 'rolled-back']],
    [
      'in an epoch of which nothing survived, and nothing was written since',
      '00000000eeeexyz',
      1,
      [d, 3, 'rolled-back'],
    ],
    ['in another log', foreign, 1, [b, 2, 'epoch']],
  ])('FOLLOW-3 %s', (_, epoch, offset, expected) => {
    expect(resumed(epoch, offset)).toEqual(expected)
  })

  it('FOLLOW-4 counts back through epochs, to the floor at most', () => {
    const end = { epoch: d, offset: 3 }
    expect([1, 3, 4, 6, 7, 100].map((count) => back(head, end, count))).toEqual([
      { epoch: d, offset: 2 },
      { epoch: d, offset: 0 },
      { epoch: b, offset: 4 },
      ...[2, 2, 2].map((offset) => ({ epoch: b, offset })),
    ])
  })

  it('HIST-3 knows whether anything older is kept', () => {
    const places = [
      [a, 9],
      [b, 2],
      [b, 3],
      [d, 0],
    ] as const
    expect(places.map(([epoch, offset]) => hasBefore(head, { epoch, offset }))).toEqual([false, false, true, true])
  })
})
