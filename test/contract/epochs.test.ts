import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type Position, parseCursor } from '../../src/protocol/cursor.ts'
import { jsonBody } from '../../src/protocol/data.ts'
import { resumeFrom } from '../../src/room/extent.ts'
import type { Log } from '../../src/room/log/log.ts'
import { FORMER_EPOCHS } from '../../src/room/log/prune.ts'
import type { Retention } from '../../src/room/log/retention.ts'
import { logIn, open } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdline-epochs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const DAY = 86_400_000
const everything = { after: { epoch: '0', offset: 0 }, through: { epoch: 'z', offset: 0 }, maxBytes: 1e6 }
const dataOf = (log: Log, after: Position = everything.after) =>
  log.read({ ...everything, after }).entries.map(({ json }) => JSON.parse(json).data)

/** What a process with that mark does to the room's log. */
function process<T>(file: string, mark: string, act: (log: Log) => T, kept?: Retention): T {
  const store = open(file, mark, kept)
  try {
    const log = logIn(store, 'room')
    log.load()
    return act(log)
  } finally {
    store.close()
  }
}

const says = (log: Log, now: number, ...data: unknown[]): Position[] =>
  log
    .append(
      data.map((each) => ({ drafts: [{ id: 'id', body: jsonBody(JSON.stringify(each), 99) }] })),
      now,
    )
    .entries.map(({ cursor }) => parseCursor(cursor as string))

it('CUR-3 another process begins another epoch, and a cursor from before goes on through both', () => {
  const file = join(folder, 'epochs.db')
  const [a] = process(file, 'one', (log) => says(log, 1, 'a', 'b')) as [Position]
  const [c] = process(file, 'two', (log) => says(log, 1, 'c', 'd')) as [Position]
  expect(c).toMatchObject({ offset: 1 })
  expect(c.epoch > a.epoch).toBe(true)
  process(file, 'six', (log) => {
    expect(resumeFrom(log.load().head, a)).toEqual({ after: a })
    expect(dataOf(log, a)).toEqual(['b', 'c', 'd'])
    // Where one epoch ends the next begins: nothing lies between.
    expect(dataOf(log, { ...a, offset: 2 })).toEqual(['c', 'd'])
  })
})

it('CUR-3 an epoch that another process began is never gone on with, even if the two have one mark', () => {
  const file = join(folder, 'marks.db')
  const at = (since: number) => {
    const store = open(file, 'one', undefined, since)
    const log = logIn(store, 'room')
    log.load()
    const [place] = says(log, since, 'x') as [Position]
    const [next] = says(log, since - 1000, 'y') as [Position]
    store.close()
    expect(next).toEqual({ epoch: place.epoch, offset: place.offset + 1 })
    return place
  }
  const [first, second] = [at(5000), at(6000)]
  expect([first.offset, second.offset]).toEqual([1, 1])
  expect(second.epoch > first.epoch).toBe(true)
})

it('FOLLOW-3 what a restored backup has lost is rolled back, and neither another log nor pruned', () => {
  const [file, backup] = [join(folder, 'live.db'), join(folder, 'backup.db')]
  const kept = { count: 6, age: DAY }
  const saved = process(backup, 'one', (log) => says(log, 1, 'a', 'b'))
  process(file, 'one', (log) => says(log, 1, 'a', 'b'))
  const lost = process(file, 'two', (log) => says(log, 2, 'lost'))
  process(
    backup,
    'six',
    (log) => {
      const { head } = log.load()
      const epoch = saved[0]?.epoch as string
      expect(resumeFrom(head, { epoch, offset: 3 }).gap?.reason).toBe('rolled-back')
      expect(
        resumeFrom(head, { ...(lost[0] as Position), epoch: `${epoch.slice(0, 9)}zzz${epoch.slice(-3)}` }),
      ).toMatchObject({
        after: saved[1],
        gap: { reason: 'rolled-back' },
      })
      const [next] = says(log, 3, 'c')
      expect([saved, lost].flat().map(({ epoch }) => epoch)).not.toContain(next?.epoch)
      expect(resumeFrom(log.append([], 3).head, saved[0] as Position)).toEqual({ after: saved[0] })
      says(log, 4, 'd', 'e', 'f', 'g', 'h')
      expect(resumeFrom(log.append([], 5).head, saved[1] as Position).gap).toBeUndefined()
      expect(resumeFrom(log.append([], 5).head, saved[0] as Position).gap?.reason).toBe('retention')
      expect(resumeFrom(log.append([], 5).head, { epoch, offset: 9 }).gap?.reason).toBe('rolled-back')
    },
    kept,
  )
})

it('KEEP-1 a restart each day for years leaves nothing behind', () => {
  const file = join(folder, 'years.db')
  const kept = { count: 3, age: DAY }
  const places: Position[] = []
  for (let day = 1; day <= 200; day++) {
    const mark = day.toString(36).padStart(3, '0')
    places.push(...process(file, mark, (log) => says(log, day * DAY, day), kept))
  }
  process(
    file,
    'end',
    (log) => {
      const { head } = log.load()
      expect(dataOf(log)).toEqual([199, 200])
      expect(head.epochs).toHaveLength(FORMER_EPOCHS + 2)
      const reasons = places.map((place) => resumeFrom(head, place).gap?.reason)
      expect(new Set(reasons.slice(0, 197))).toEqual(new Set(['retention']))
      expect(reasons.slice(197)).toEqual([undefined, undefined, undefined])
      const beyond = places.map((place) => resumeFrom(head, { ...place, offset: 2 }).gap?.reason)
      expect(new Set(beyond.slice(-FORMER_EPOCHS - 2))).toEqual(new Set(['rolled-back']))
      expect(new Set(beyond)).toEqual(new Set(['retention', 'rolled-back']))
    },
    kept,
  )
})

it('two processes cannot have one file', () => {
  const file = join(folder, 'locked.db')
  const store = open(file, 'one')
  expect(() => open(file, 'two')).toThrow(/locked/)
  store.close()
})
