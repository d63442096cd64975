import { copyFileSync, existsSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import type { ServerEvent } from '../conformance/clients/events.ts'
import { history, say, wholeHistory } from '../conformance/clients/http.ts'
import { tellingTransportsOf } from '../conformance/clients/index.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { node } from '../targets/node.ts'
import { folder, start } from './gateway.ts'

const PATIENCE = 60_000
const PARTS = ['', '-wal', '-shm']

/** As the operator's guide has it: all parts of the one go before those of the other come. */
function restore(from: string, to: string): void {
  for (const part of PARTS) rmSync(`${to}${part}`, { force: true })
  for (const part of PARTS) if (existsSync(`${from}${part}`)) copyFileSync(`${from}${part}`, `${to}${part}`)
}

const fill = async (base: string, room: string, name: string, count: number): Promise<string[]> => {
  const cursors: string[] = []
  for (const i of range(count, 1)) cursors.push(await say(base, room, `${name}${i}`))
  return cursors
}

/** What comes to a reader with that cursor: the gap's reason and end, if there is one, and so many messages. */
async function comes(base: string, room: string, cursor: string, count: number): Promise<unknown[]> {
  const heard = await Promise.all(
    tellingTransportsOf({ target: node }).map(async ({ open }) => {
      const reader = await open(base, room, { cursor })
      const events: ServerEvent[] = []
      while (events.length < count) events.push(await reader.next())
      await reader.close()
      return events.map(({ type, reason, before, data }) => (type === 'gap' ? [reason, before] : data))
    }),
  )
  expect(new Set(heard.map((each) => JSON.stringify(each))).size).toBe(1)
  return heard[0] as unknown[]
}

it(
  'FOLLOW-3, CUR-3 after a backup was restored, what is lost is rolled back, and no place is used twice',
  async () => {
    const path = folder()
    const [data, backup] = [join(path, 'rooms.db'), join(path, 'backup.db')]
    const room = freshRoom()
    const first = await start({ HOLDLINE_DATA: data })
    const a = await fill(first.base, room, 'a', 5)
    await first.end()
    restore(data, backup)

    const second = await start({ HOLDLINE_DATA: data })
    const b = await fill(second.base, room, 'b', 3)
    await second.end('SIGKILL')
    restore(backup, data)

    const { base, end } = await start({ HOLDLINE_DATA: data })
    const [a3, a5, b3] = [a[2], a[4], b[2]] as [string, string, string]
    expect(await comes(base, room, b3, 1)).toEqual([['rolled-back', a5]])
    const c = await fill(base, room, 'c', 3)
    expect(await comes(base, room, b3, 4)).toEqual([['rolled-back', a5], 'c1', 'c2', 'c3'])
    expect(await comes(base, room, a3, 5)).toEqual(['a4', 'a5', 'c1', 'c2', 'c3'])
    expect((await history(base, room, { after: b3 })).gap).toEqual({ after: b3, before: a5, reason: 'rolled-back' })
    // A cursor of another room is of another log.
    const elsewhere = await say(base, freshRoom(), 'x')
    expect(await comes(base, room, elsewhere, 9)).toMatchObject([
      ['epoch', '0-0'],
      'a1',
      'a2',
      'a3',
      'a4',
      'a5',
      'c1',
      'c2',
      'c3',
    ])
    const places = [...a, ...b, ...c]
    expect(new Set(places).size).toBe(places.length)
    expect([...places].sort()).toEqual(places)
    await end()
  },
  PATIENCE,
)

it(
  'FOLLOW-3, CUR-3 a backup taken while it runs loses what came after, within one epoch',
  async () => {
    const path = folder()
    const [data, backup] = [join(path, 'rooms.db'), join(path, 'backup.db')]
    const room = freshRoom()
    const first = await start({ HOLDLINE_DATA: data })
    const a = await fill(first.base, room, 'a', 3)
    const db = new DatabaseSync(data)
    db.exec(`VACUUM INTO '${backup}'`)
    db.close()
    const b = await fill(first.base, room, 'b', 3)
    await first.end('SIGKILL')
    restore(backup, data)

    const { base, end } = await start({ HOLDLINE_DATA: data })
    const c = await fill(base, room, 'c', 1)
    for (const lost of b) expect(await comes(base, room, lost, 2)).toEqual([['rolled-back', a[2]], 'c1'])
    expect(await comes(base, room, a[1] as string, 2)).toEqual(['a3', 'c1'])
    expect(new Set([...a, ...b, ...c]).size).toBe(7)
    await end()
  },
  PATIENCE,
)

it(
  'STORE-1, FOLLOW-3 what a machine that died had not yet written is rolled back',
  async () => {
    const data = join(folder(), 'rooms.db')
    const room = freshRoom()
    const first = await start({ HOLDLINE_DATA: data, HOLDLINE_SYNC: 'normal' })
    const a = await fill(first.base, room, 'a', 40)
    await first.end('SIGKILL')
    // What a loss of power leaves of what no disk had been waited for: its beginning.
    truncateSync(`${data}-wal`, Math.floor(statSync(`${data}-wal`).size / 2))

    const { base, end } = await start({ HOLDLINE_DATA: data })
    const kept = (await wholeHistory(base, room)).map(({ data }) => data)
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.length).toBeLessThan(40)
    expect(kept).toEqual(range(kept.length, 1).map((i) => `a${i}`))
    await fill(base, room, 'b', 1)
    expect(await comes(base, room, a.at(-1) as string, 2)).toEqual([['rolled-back', a[kept.length - 1]], 'b1'])
    expect(await comes(base, room, a[kept.length - 2] as string, 2)).toEqual([`a${kept.length}`, 'b1'])
    await end()
  },
  PATIENCE,
)
