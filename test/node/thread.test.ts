import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openFile } from '../../src/node/sqlite/open.ts'
import { writerFor } from '../../src/node/sqlite/writer.ts'
import { root } from '../targets/target.ts'
import { folder } from './gateway.ts'

it('a process lives until what it asked of the thread that writes is answered, and not because there is one', () => {
  const place = folder()
  const file = JSON.stringify(join(place, 'rooms.db'))
  const script = `
    import { DatabaseThread } from '${root}/src/node/sqlite/thread.ts'
    const thread = new DatabaseThread(${file}, 'normal')
    // There is no table yet, and that is an answer too.
    await thread.ask('checkpoint').catch(({ message }) => console.log(message))
    if (process.argv[2] === 'close') await thread.close()
    console.log('over')`
  writeFileSync(join(place, 'script.mjs'), script)
  for (const how of ['close', 'leave']) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(place, 'script.mjs'), how], {
      encoding: 'utf8',
      timeout: 10_000,
    })
    expect({ how, status, stdout }, stderr).toEqual({ how, status: 0, stdout: 'no such table: rooms\nover\n' })
  }
})

it('while somebody reads the file for long, as a backup does, commits go on, and none keeps the event loop waiting', async () => {
  const file = join(folder(), 'rooms.db')
  const { db, lock } = openFile(file)
  const troubles: unknown[] = []
  const writer = writerFor(db, file, 'normal', (error) => troubles.push(error))
  db.exec('CREATE TABLE large (data)')
  const reader = new DatabaseSync(file)
  reader.exec('BEGIN; SELECT * FROM large')
  // More than the write-ahead log may have, which the reader keeps from being begun anew.
  db.exec(`INSERT INTO large VALUES (randomblob(${40 * 2 ** 20}))`)
  let waited = 0
  // Thrice is tried to: each time commits wait for the thread, and go on.
  while (waited < 3) {
    const writing = writer.write([['trial']])
    if (writing !== undefined) waited++
    await writing
    await sleep(2)
  }
  expect(troubles).toEqual([])
  reader.close()
  await writer.close()
  db.close()
  lock?.close()
}, 30_000)
