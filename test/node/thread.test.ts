import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
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
