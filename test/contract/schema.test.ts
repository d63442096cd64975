import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import { parseCursor, START } from '../../src/protocol/cursor.ts'
import { jsonBody } from '../../src/protocol/data.ts'
import type { Work } from '../../src/room/ports.ts'
import type { RemoteLog } from './log.ts'
import { local, object, remote } from './remote.ts'
import { logIn, open } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdline-schema-'))
afterAll(() => rmSync(folder, { recursive: true }))

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'schema', name), 'utf8')
const WRITTEN = 1_793_000_001_000

function database(name: string, sql: string): string {
  const file = join(folder, name)
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
  return file
}

/** What the first schema wrote is there, and is gone on with. */
async function continues(log: RemoteLog): Promise<void> {
  const work = (data: unknown, key?: string): Work => ({
    drafts: [
      {
        id: 'id',
        body: jsonBody(JSON.stringify(data), 99),
        ...(key !== undefined && { dedupe: { key, fingerprint: 3 } }),
      },
    ],
    replyTo: { ticket: 1 },
  })
  const everything = { after: START, through: { epoch: 'z', offset: 0 }, maxBytes: 1e6 }
  const data = async () => (await log.read(everything)).entries.map(({ json }) => JSON.parse(json).data)
  const { sessions, state, head } = await log.load()
  expect({ sessions, state }).toEqual({
    sessions: [{ id: 'ada', user: 'u', presence: { version: 1 } }],
    state: '{"count":2}',
  })
  expect(head.floor).toEqual(START)
  expect(await data()).toEqual(['first', { n: 1.5 }, 'second', 'third'])
  const [, , , third] = (await log.read(everything)).entries
  const { outcomes, entries } = await log.append([work('x', 'backend two'), work('fourth')], WRITTEN + 1)
  expect(outcomes).toEqual([{ cursor: third?.cursor, duplicate: true }, { cursor: entries[0]?.cursor }])
  expect(`${entries[0]?.cursor}` > `${third?.cursor}`).toBe(true)
  expect(await data()).toEqual(['first', { n: 1.5 }, 'second', 'third', 'fourth'])
  // Pruned with the ids that came with them.
  const again = await log.reopen({ count: 1, age: 1000 })
  await again.load()
  for (const step of [1, 2, 3]) await again.append([work(step)], WRITTEN + 10_000_000 + step)
  expect((await again.read(everything)).entries).toHaveLength(1)
  expect([await again.knows('backend one'), await again.knows('backend two')]).toEqual([false, false])
  expect((await again.load()).head.floor).not.toEqual(parseCursor(`${third?.cursor}`))
}

describe('the schema on Node', () => {
  it('goes on with a file that the first one wrote', async () => {
    const file = database('first.db', fixture('node-1.sql'))
    let store = open(file, 'new')
    const log: RemoteLog = local(logIn(store, 'lobby'), async (kept) => {
      await store.close()
      store = open(file, 'two', kept)
      return local(logIn(store, 'lobby'), log.reopen)
    })
    await continues(log)
    const other = logIn(store, 'other')
    other.load()
    expect(other.knows('backend three')).toBe(true)
    await store.close()
  })

  it('refuses a file of a newer one, and of something else, in one line that names it', () => {
    const newer = database('newer.db', `${fixture('node-1.sql')}PRAGMA user_version = 99`)
    expect(() => open(newer, 'new')).toThrow(
      /^.*newer\.db cannot be used: it was written by a newer Holdline \(schema 99; this one knows \d+\)$/,
    )
    const other = database('other.db', 'CREATE TABLE packs (x)')
    expect(() => open(other, 'new')).toThrow(/other\.db cannot be used: it is a database, but not one of Holdline$/)
    const text = join(folder, 'text.db')
    writeFileSync(text, 'Once upon a time\n'.repeat(100))
    expect(() => open(text, 'new')).toThrow(/text\.db cannot be used: file is not a database$/)
  })
})

describe('the schema in a Durable Object', () => {
  let edge: Edge
  beforeAll(async () => {
    edge = await startEdge({ entry: 'test/contract/object-log.worker.ts', port: 0 })
  })
  afterAll(() => edge.stop())

  it('goes on with what the first one wrote', async () => {
    const send = object(edge.url)
    await send({ method: 'sql', sql: fixture('object-1.sql') })
    const reopen: RemoteLog['reopen'] = async (kept) => {
      await send({ method: 'reopen', kept })
      return remote(send, reopen)
    }
    await continues(await reopen())
    expect(await send({ method: 'sql', sql: "SELECT value FROM meta WHERE name = 'schema'" })).toEqual([{ value: '2' }])
  })

  it('refuses what a newer one wrote, in one line', async () => {
    const send = object(edge.url)
    await send({ method: 'append', works: [{ drafts: [], change: { state: '1' } }], now: 1 })
    await send({ method: 'sql', sql: "UPDATE meta SET value = '99' WHERE name = 'schema'" })
    await send({ method: 'reopen' })
    await expect(send({ method: 'load' })).rejects.toThrow(
      /This room was stored by a newer Holdline \(schema 99; this one knows \d+\)/,
    )
  })
})
