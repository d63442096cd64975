import { describe, expect, it } from 'vitest'
import { RETENTION } from '../../../src/room/log/retention.ts'
import { readSettings } from '../../../src/settings/read.ts'
import { retention } from '../../../src/settings/retention.ts'

describe('rules of retention', () => {
  it('KEEP-1 the first rule that fits a room holds, and without one the default', () => {
    const kept = retention.read('chat:*=1000/1d,*.log=5/10s,a.b=7/2h,*~*=9/3m')
    expect(kept('chat:lobby')).toEqual({ count: 1000, age: 86_400_000 })
    expect(kept('chat:')).toEqual({ count: 1000, age: 86_400_000 })
    expect(kept('app.log')).toEqual({ count: 5, age: 10_000 })
    expect(kept('a.b')).toEqual({ count: 7, age: 7_200_000 })
    expect(kept('x~y')).toEqual({ count: 9, age: 180_000 })
    for (const room of ['aXb', 'chat', 'xchat:lobby', 'app.logs', 'lobby']) expect(kept(room)).toEqual(RETENTION)
    expect(RETENTION).toEqual({ count: 10_000, age: 604_800_000 })
  })

  it.each([
    ',',
    'x',
    '*',
    '*=1000',
    '*=/1d',
    '*=0/1d',
    '*=1/0d',
    '*=1/1w',
    '*=1/1d,',
    ' *=1/1d',
    'a b=1/1d',
    '*=1.5/1d',
    '*=-1/1d',
    '=1/1d',
    '*=1/1d;a=1/1d',
  ])('KEEP-1 refuses %j, and says which rule is wrong', (text) => {
    const { wrong } = readSettings({ HOLDLINE_RETENTION: text }, 'node')
    expect(wrong).toEqual([expect.stringMatching(/^HOLDLINE_RETENTION must be rules like chat:\*=1000\/1d.*, not "/)])
  })
})
