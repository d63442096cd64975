import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as after } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { type ServeOptions, serve } from '../../src/node/serve.ts'
import { SqliteStore } from '../../src/node/sqlite/store.ts'
import { retention } from '../../src/settings/retention.ts'
import { history, info, say } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { folder } from './gateway.ts'

async function gateway(options: ServeOptions): Promise<string> {
  const { url, close } = await serve({ port: 0, ...options })
  onTestFinished(() => close())
  return url
}

it('INFO-1 a silent room leaves memory and comes back from its log; one that is followed stays', async () => {
  const idle = 40
  const base = await gateway({ data: join(folder(), 'rooms.db'), idle })
  const [silent, followed] = [freshRoom(), freshRoom()]
  const cursor = await say(base, silent, 'kept')
  const framed = await Framed.open(base, followed)
  const awake = async (room: string) => (await info(base, room)).awakeSince
  const before = [await awake(silent), await awake(followed)]
  await eventually('it was made again', async () => {
    // To ask is to wake it.
    await after(2 * idle)
    return (await awake(silent)) !== before[0]
  })
  expect(await awake(followed)).toBe(before[1])
  expect((await history(base, silent)).messages.map(({ data }) => data)).toEqual(['kept'])
  const next = await say(base, silent, 'next')
  // The same process goes on with the same epoch.
  expect(next.slice(0, 15)).toBe(cursor.slice(0, 15))
  const back = await Framed.open(base, silent, { cursor })
  expect((await back.messages(1))[0]?.data).toBe('next')
  await say(base, followed, 'hello')
  expect((await framed.messages(1))[0]?.data).toBe('hello')
})

it('KEEP-1 a room that nobody writes to loses what is too old', async () => {
  const base = await gateway({ data: join(folder(), 'rooms.db'), idle: 40, retention: retention.read('*=1000/1s') })
  const room = freshRoom()
  for (const i of range(30)) await say(base, room, i)
  await eventually('only the newest is left', async () => {
    const { messages } = await history(base, room)
    expect(messages.at(-1)?.data).toBe(29)
    return messages.length === 1
  })
})

it('SES-4 who was here when the process died is gone when the grace is over, although nobody asks', async () => {
  const file = join(folder(), 'rooms.db')
  const store = new SqliteStore({ file, writer: { mark: 'old', since: 0 } })
  const rooms = range(70).map(() => freshRoom())
  for (const [i, room] of rooms.entries()) {
    const log = store.log(room)
    log.load()
    const put = [{ id: 'ghost', presence: {}, ...(i > 0 && { endsAt: Date.now() - 1 }) }]
    await store.write(log.plan([{ drafts: [], change: { put } }], Date.now()).writes)
  }
  await store.close()

  await gateway({ data: file })
  const db = new DatabaseSync(file, { readOnly: true })
  onTestFinished(() => db.close())
  const left = db.prepare('SELECT name FROM sessions JOIN rooms USING (room)')
  // That one had no end yet, and so has its whole grace from now on.
  await eventually('they are gone', () => left.all().length === 1)
  expect(left.get()?.name).toBe(rooms[0])
})
