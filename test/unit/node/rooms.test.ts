import { afterEach, expect, it, vi } from 'vitest'
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
  expect(await publish('lobby', 'in-doubt')).toMatchObject({ type: 'published', cursor: expect.any(String) })
  expect(await publish('lobby', 'in-doubt')).toMatchObject({ type: 'published', duplicate: true })
  await publish('lobby', 'after')
  expect([messages(), closed]).toEqual([['before', 'in-doubt', 'after'], []])
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
  await rooms.drain()
  // 200 a second are taken in with ease.
  expect(advice).toHaveLength(2000)
  expect(Math.max(...advice)).toBeGreaterThan(9)
  expect(Math.max(...advice)).toBeLessThanOrEqual(10.5)
  expect(Math.min(...advice)).toBeLessThan(1)
  await rooms.close()
})
