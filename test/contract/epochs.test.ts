import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type Position, parseCursor } from '../../src/protocol/cursor.ts'
import { jsonBody } from '../../src/protocol/data.ts'
import { resumeFrom } from '../../src/room/extent.ts'
import { FORMER_EPOCHS } from '../../src/room/log/prune.ts'
import type { Retention } from '../../src/room/log/retention.ts'
import type { AnyLog } from './remote.ts'
import { logIn, open } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdline-epochs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const script = (file: string) => `import { open } from '${import.meta.dirname}/sqlite.ts'; open('${file}', 'two')`

const DAY = 86_400_000
const everything = { after: { epoch: '0', offset: 0 }, through: { epoch: 'z', offset: 0 }, maxBytes: 1e6 }
const dataOf = (log: AnyLog, after: Position = everything.after) =>
  log.read({ ...everything, after }).entries.map(({ json }) => JSON.parse(json).data)

/** What a process with that mark does to the room's log. */
async function process<T>(file: string, mark: string, act: (log: AnyLog) => T, kept?: Retention): Promise<Awaited<T>> {
  const store = open(file, mark, kept)
  try {
    const log = logIn(store, 'room')
    log.load()
    return await act(log)
  } finally {
    await store.close()
  }
}

async function says(log: AnyLog, now: number, ...data: unknown[]): Promise<Position[]> {
  const works = data.map((each) => ({ drafts: [{ id: 'id', body: jsonBody(JSON.stringify(each), 99) }] }))
  const { entries } = await log.append(works, now)
  return entries.map(({ cursor }) => parseCursor(cursor as string))
}

it('CUR-3 another process begins another epoch, and a cursor from before goes on through both', async () => {
  const file = join(folder, 'epochs.db')
  const [a] = (await process(file, 'one', (log) => says(log, 1, 'a', 'b'))) as [Position]
  const [c] = (await process(file, 'two', (log) => says(log, 1, 'c', 'd'))) as [Position]
  expect(c).toMatchObject({ offset: 1 })
  expect(c.epoch > a.epoch).toBe(true)
  await process(file, 'six', (log) => {
    expect(resumeFrom(log.load().head, a)).toEqual({ after: a })
    expect(dataOf(log, a)).toEqual(['b', 'c', 'd'])
    // Where one epoch ends the next begins: nothing lies between.
    expect(dataOf(log, { ...a, offset: 2 })).toEqual(['c', 'd'])
  })
})

it('CUR-3 an epoch that another process began is never gone on with, even if the two have one mark', async () => {
  const file = join(folder, 'marks.db')
  const at = async (since: number) => {
    const store = open(file, 'one', undefined, since)
    const log = logIn(store, 'room')
    log.load()
    const [place] = (await says(log, since, 'x')) as [Position]
    const [next] = (await says(log, since - 1000, 'y')) as [Position]
    await store.close()
    expect(next).toEqual({ epoch: place.epoch, offset: place.offset + 1 })
    return place
  }
  const [first, second] = [await at(5000), await at(6000)]
  expect([first.offset, second.offset]).toEqual([1, 1])
  expect(second.epoch > first.epoch).toBe(true)
})

it('FOLLOW-3 what a restored backup has lost is rolled back, and neither another log nor pruned', async () => {
  const [file, backup] = [join(folder, 'live.db'), join(folder, 'backup.db')]
  const kept = { count: 6, age: DAY }
  const saved = await process(backup, 'one', (log) => says(log, 1, 'a', 'b'))
  await process(file, 'one', (log) => says(log, 1, 'a', 'b'))
  const lost = await process(file, 'two', (log) => says(log, 2, 'lost'))
  await process(
    backup,
    'six',
    async (log) => {
      const { head } = log.load()
      const epoch = saved[0]?.epoch as string
      expect(resumeFrom(head, { epoch, offset: 3 }).gap?.reason).toBe('rolled-back')
      const rolledBack = { after: saved[1], gap: { reason: 'rolled-back' } }
      expect(resumeFrom(head, lost[0] as Position)).toMatchObject(rolledBack)
      const [next] = await says(log, 3, 'c')
      expect([saved, lost].flat().map(({ epoch }) => epoch)).not.toContain(next?.epoch)
      const after = (await log.append([], 3)).head
      expect(resumeFrom(after, saved[0] as Position)).toEqual({ after: saved[0] })
      expect(resumeFrom(after, lost[0] as Position)).toMatchObject(rolledBack)
      await says(log, 4, 'd', 'e', 'f', 'g', 'h')
      const later = (await log.append([], 5)).head
      expect(resumeFrom(later, saved[1] as Position).gap).toBeUndefined()
      expect(resumeFrom(later, saved[0] as Position).gap?.reason).toBe('retention')
      expect(resumeFrom(later, { epoch, offset: 9 }).gap?.reason).toBe('rolled-back')
    },
    kept,
  )
})

it('KEEP-1 a restart each day for years leaves nothing behind', async () => {
  const file = join(folder, 'years.db')
  const kept = { count: 3, age: DAY }
  const places: Position[] = []
  for (let day = 1; day <= 200; day++) {
    const mark = day.toString(36).padStart(3, '0')
    places.push(...(await process(file, mark, (log) => says(log, day * DAY, day), kept)))
  }
  await process(
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

it('two processes cannot have one file', async () => {
  const file = join(folder, 'locked.db')
  const store = open(file, 'one')
  const other = spawnSync(globalThis.process.execPath, ['--input-type=module', '-e', script(file)], {
    encoding: 'utf8',
  })
  expect(other.stderr).toContain(`${file} cannot be used: another Holdline has it open`)
  expect(() => open(file, 'two')).toThrow(/locked.db cannot be used: another Holdline has it open$/)
  await store.close()
  await open(file, 'two').close()
})
