import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import { SqliteStore } from '../../src/node/sqlite/store.ts'
import { jsonBody } from '../../src/protocol/data.ts'
import { resumeFrom } from '../../src/room/extent.ts'
import { MemoryLog } from '../../src/room/log/memory.ts'
import { logContract, type RemoteLog } from './log.ts'
import { local, remote } from './remote.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdline-log-'))
let edge: Edge

beforeAll(async () => {
  edge = await startEdge({ entry: 'test/contract/object-log.worker.ts', port: 0 })
})
afterAll(async () => {
  await edge.stop()
  rmSync(folder, { recursive: true })
})

logContract('memory', async () => {
  const log = new MemoryLog('mark00')
  const self: RemoteLog = local(log, async () => self)
  return self
})

logContract('SQLite on Node', async () => {
  const file = join(folder, `${randomUUID()}.db`)
  let store: SqliteStore | undefined
  const open = async (): Promise<RemoteLog> => {
    store?.close()
    store = new SqliteStore(file, 'mark00')
    return local(store.log('room'), open)
  }
  return open()
})

logContract('SQLite in a Durable Object', async () => {
  const url = `${edge.url}/${randomUUID()}`
  const send = async (call: unknown) => (await fetch(url, { method: 'POST', body: JSON.stringify(call) })).json()
  const open = async (): Promise<RemoteLog> => {
    await send({ method: 'reopen' })
    return remote(send, open)
  }
  return open()
})

it('another process begins another epoch, and a cursor from before goes on through both', () => {
  const file = join(folder, 'epochs.db')
  const work = (data: string) => ({ drafts: [{ id: data, body: jsonBody(JSON.stringify(data), 99) }] })
  const write = (mark: string, data: string[]) => {
    const store = new SqliteStore(file, mark)
    const log = store.log('room')
    log.load()
    const { entries } = log.append(data.map(work), 1)
    store.close()
    return entries
  }
  const [a, , c] = [...write('first0', ['a', 'b']), ...write('second', ['c', 'd'])]
  expect(c?.position).toMatchObject({ offset: 1 })
  expect((c?.position?.epoch as string) > (a?.position?.epoch as string)).toBe(true)
  const store = new SqliteStore(file, 'third0')
  const log = store.log('room')
  const { head } = log.load()
  const after = a?.position as { epoch: string; offset: number }
  expect(resumeFrom(head, after)).toEqual({ after })
  const page = log.read({ after, through: { epoch: 'z', offset: 0 }, maxBytes: 1e6 })
  expect(page.entries.map(({ json }) => JSON.parse(json).data)).toEqual(['b', 'c', 'd'])
  // What a restored backup no longer has is told apart from what was pruned.
  expect(resumeFrom(head, { ...after, offset: 3 }).gap?.reason).toBe('rolled-back')
  store.close()
})

it('two processes cannot have one file', () => {
  const file = join(folder, 'locked.db')
  const store = new SqliteStore(file, 'first0')
  expect(() => new SqliteStore(file, 'second')).toThrow(/locked/)
  store.close()
})
