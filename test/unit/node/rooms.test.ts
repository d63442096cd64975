import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { SqliteStore } from '../../../src/node/sqlite/store.ts'
import type { Settled } from '../../../src/room/ports.ts'
import { Room } from '../../../src/room/room.ts'
import { open } from './open.ts'

afterEach(() => vi.restoreAllMocks())

it('what was written by somebody who did not live to say so is told as written, once', async () => {
  const { rooms, publish, follow, messages, closed } = open()
  follow('lobby')
  await publish('lobby', 'before')
  const { write } = SqliteStore.prototype
  vi.spyOn(SqliteStore.prototype, 'write').mockImplementationOnce(async function (this: SqliteStore, writes) {
    await write.call(this, writes)
    throw new Error('the writer has died')
  })
  // Two of them, in one row.
  const [first, second] = await Promise.all([publish('lobby', 'in-doubt'), publish('lobby', 'too')])
  expect([first, second]).toMatchObject(Array(2).fill({ type: 'published', cursor: expect.any(String) }))
  expect(await publish('lobby', 'in-doubt')).toMatchObject({ ...first, duplicate: true })
  await publish('lobby', 'after')
  expect([messages(), closed]).toEqual([['before', 'in-doubt', 'too', 'after'], []])
  await rooms.close()
})

it('what goes wrong in one room keeps no other from hearing of the commit that they share', async () => {
  class Faulty extends Room {
    override settled(settled: Settled): void {
      if (this.name === 'bad' && settled.entries.length > 0) throw new Error('made to fail')
      super.settled(settled)
    }
  }
  const { rooms, publish, follow, messages, told } = open({ room: Faulty })
  follow('bad')
  follow('good')
  const replies = await Promise.all([publish('bad', '1'), publish('good', '2'), publish('bad', '3')])
  expect(replies).toMatchObject([{ type: 'published' }, { type: 'published' }, { type: 'published' }])
  expect(messages()).toEqual(['2'])
  expect(told).toMatchObject([['error', expect.any(String), { room: 'bad' }]])
  await rooms.close()
})

it('AUTH-8 a room leaves memory when nobody is in it, and not only when the last token that was would have ended', async () => {
  const { rooms } = open({ idle: 40 })
  const pass = { grants: ['subscribe'], issuedAt: Date.now(), expiresAt: Date.now() + 3_600_000 } as const
  for (const kind of ['websocket', 'sse'] as const) {
    const leg = { write() {}, credit: () => Number.POSITIVE_INFINITY, closed() {} }
    rooms.get(kind).dial({ kind, codec: 'framed', session: 's', user: 'ada', pass }, leg).close()
  }
  expect(rooms.look().rooms).toBeGreaterThanOrEqual(2)
  await vi.waitFor(() => expect(rooms.look().rooms).toBeLessThan(2), 2000)
  await rooms.close()
})

it('DRAIN-1 with nothing to write it is over, and what is published all the same is written', async () => {
  const { rooms, publish } = open()
  await rooms.drain(new Promise(() => {}))
  expect(await publish('lobby', 'late')).toMatchObject({ type: 'published' })
  await rooms.close()
})

it('DRAIN-1 polls that are held are told to come back spread over as long as all of them take', async () => {
  const { rooms } = open()
  const advice: number[] = []
  for (let i = 0; i < 2000; i++) {
    rooms
      .get('lobby')
      .dial(
        { kind: 'poll', codec: 'poll', session: `s${i}`, cursor: '0-0' },
        { write() {}, credit: () => Number.POSITIVE_INFINITY, closed: (_, __, after) => advice.push(after ?? 0) },
      )
  }
  await rooms.drain(new Promise(() => {}))
  // 200 a second are taken in with ease.
  expect(advice).toHaveLength(2000)
  expect(Math.max(...advice)).toBeGreaterThan(9)
  expect(Math.max(...advice)).toBeLessThanOrEqual(10.5)
  expect(Math.min(...advice)).toBeLessThan(1)
  await rooms.close()
})

/** Readers who are never all answered, in a process that has time to read one page in each turn of the event loop. */
function keepReading({ rooms }: Pick<ReturnType<typeof open>, 'rooms'>) {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 6
    return now
  })
  let isOver = false
  const readers = Array.from({ length: 30 }, async () => {
    while (!isOver) {
      await rooms.get('lobby').command({ type: 'history', query: { limit: 10 }, reader: { session: 'reader' } })
    }
  })
  return async () => {
    isOver = true
    await Promise.all(readers)
  }
}

it('FOLLOW-2 what is read after a commit has failed is read from the log that there is then, however many read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdline-rooms-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rooms.db')
  const before = open({ file })
  const first = await before.publish('lobby', 'first')
  await before.publish('lobby', 'second')
  await before.rooms.close()

  const after = open({ file })
  const stop = keepReading(after)
  vi.spyOn(SqliteStore.prototype, 'write').mockRejectedValueOnce(new Error('made to fail'))
  expect(await after.publish('lobby', 'refused')).toMatchObject({ type: 'error', code: 'storage' })
  // In an epoch of this process: the log as it was before knows of none.
  expect(await after.publish('lobby', 'third')).toMatchObject({ type: 'published' })
  after.follow('lobby', { cursor: `${first.type === 'published' && first.cursor}` })
  await after.publish('lobby', 'fourth')
  await vi.waitFor(() => expect(after.messages()).toContain('fourth'))
  expect(after.messages()).toEqual(['second', 'third', 'fourth'])
  await stop()
  await after.rooms.close()
})

it('TCP-5 who says nothing more has the history that it asked for, however many read', async () => {
  const { rooms, publish } = open()
  await publish('lobby', 'first')
  const stop = keepReading({ rooms })
  const heard: string[] = []
  await new Promise<void>((resolve) => {
    const wire = rooms.get('lobby').dial(
      { kind: 'tcp', codec: 'lines', session: 'leaves' },
      {
        write: ({ frames }) => heard.push(...frames.map(String)),
        credit: () => Number.POSITIVE_INFINITY,
        closed: () => resolve(),
      },
    )
    wire.send('{"op":"history","ref":1}')
    wire.finish?.()
  })
  expect(heard.join('')).toContain('"type":"history","ref":1')
  await stop()
  await rooms.close()
})

it('AUTH-9 what is revoked everywhere is written once, and holds in every room, also after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdline-revoked-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rooms.db')
  const now = Date.now()
  const pass = { grants: ['subscribe'], issuedAt: now - 1000, expiresAt: now + 60_000 } as const
  const eve = { session: 'eve', user: 'eve', pass }
  const first = open({ file })
  for (const room of ['one', 'two', 'three']) first.follow(room, eve)
  const rows = vi.spyOn(SqliteStore.prototype, 'write')
  const reply = await first.rooms.revoke([{ kind: 'user', name: 'eve', until: now + 60_000 }])
  const written = rows.mock.calls.flatMap(([writes]) => writes).filter((write) => `${write.at(-1)}`.includes('revoked'))
  expect([reply.type, written.length, first.closed]).toEqual(['published', 1, [4507, 4507, 4507]])
  await first.rooms.close()
  const second = open({ file })
  for (const room of ['one', 'two', 'new']) second.follow(room, eve)
  expect(second.closed).toEqual([4507, 4507, 4507])
  second.follow('one', { ...eve, pass: { ...pass, issuedAt: Date.now() + 1 } })
  expect(second.closed).toHaveLength(3)
  await second.rooms.close()
})

it('whoever asks for ever new rooms fills no memory with them', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { rooms, follow, publish } = open()
  follow('lobby')
  for (let i = 0; i < 11_000; i++) await rooms.get(`guess-${i}`).command({ type: 'info' })
  expect(rooms.look().rooms).toBeGreaterThan(11_000)
  await vi.advanceTimersByTimeAsync(1000)
  // Where somebody is, and where it is known what was revoked everywhere.
  expect(rooms.look().rooms).toBeLessThanOrEqual(2)
  await publish('lobby', 'still-here')
  await rooms.close()
})
