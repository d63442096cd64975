import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import type { SqliteStore } from '../../src/node/sqlite/store.ts'
import { WEBHOOK_EVENTS } from '../../src/protocol/webhook.ts'
import { MemoryLog } from '../../src/room/log/memory.ts'
import { Telling } from '../../src/room/log/outbox.ts'
import { RETENTION } from '../../src/room/log/retention.ts'
import { logContract, type RemoteLog } from './log.ts'
import { local, object, remote } from './remote.ts'
import { logIn, open as openStore } from './sqlite.ts'

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
  const log = new MemoryLog('mark00', RETENTION, new Telling('room', WEBHOOK_EVENTS, 0))
  const open: RemoteLog['reopen'] = async (kept) => {
    log.keep(kept ?? RETENTION)
    return self
  }
  const self: RemoteLog = local(log, open)
  return self
})

for (const sync of ['normal', 'full'] as const) {
  logContract(`SQLite on Node, ${sync}`, async () => {
    const file = join(folder, `${randomUUID()}.db`)
    let store: SqliteStore | undefined
    // Its threads would stay, each with a pipe to this process's standard error.
    onTestFinished(() => store?.close())
    const open: RemoteLog['reopen'] = async (kept) => {
      await store?.close()
      store = openStore(file, 'mar', kept, 0, sync)
      return local(logIn(store, 'room', WEBHOOK_EVENTS), open)
    }
    return open()
  })
}

logContract('SQLite in a Durable Object', async () => {
  const send = object(edge.url)
  const open: RemoteLog['reopen'] = async (kept) => {
    await send({ method: 'reopen', kept })
    return remote(send, open)
  }
  return open()
})
