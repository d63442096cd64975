import { expect, it } from 'vitest'
import { FollowedRoom } from '../../../src/client/followed-room.ts'
import type { Item } from '../../../src/client/outbox.ts'
import type { RoomOptions } from '../../../src/client/room.ts'
import type { Schema } from '../../../src/client/schema.ts'
import type { RawMessage } from '../../../src/client/transports/wire.ts'

const CURSORS = ['0mwwff8dykz9bvw-11', '0mwwff8dykz9bvw-12', '0mwwff8dykz9bvw-13', '0mwwff8dykz9bvw-14']
const at = (n: number): string => CURSORS[n] as string

const message = (n: number, data: unknown = n): RawMessage => ({
  type: 'message',
  id: `${n}`,
  cursor: at(n),
  data,
  time: 0,
})

function follow<T>(options: RoomOptions<T> = {}) {
  const told: unknown[] = []
  const sent: Item[] = []
  const room = new FollowedRoom<T>('r', options, {
    send: (item) => sent.push(item),
    get: () => Promise.reject(new Error('not asked')),
    leave: () => {},
    wasRead: () => {},
  })
  room.on('message', ({ data }) => told.push(data))
  room.on('invalid', ({ data, error }) => told.push(['invalid', data, error.issues[0]?.message]))
  room.on('gap', ({ reason }) => told.push(reason))
  return { room, told, sent }
}

/** Takes numbers, the even ones only after a while. */
const numbers: Schema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      if (typeof value !== 'number') return { issues: [{ message: 'not a number' }] }
      if (value < 0) throw new Error('a schema that throws')
      return value % 2 === 0 ? Promise.resolve({ value }) : { value }
    },
  },
}

it('takes once what two wires bring, in whatever way they overlap', () => {
  const { room, told } = follow()
  for (const n of [0, 1, 0, 1, 2, 1, 2, 3]) room.heard(message(n))
  expect(told).toEqual([0, 1, 2, 3])
  const typing = { type: 'message', id: 'typing', data: 't', time: 0 } as const
  room.heard(typing)
  room.heard(typing)
  expect(told).toEqual([0, 1, 2, 3, 't'])
  expect(room.cursor).toBe(at(3))
})

it('hands out in order what a schema takes its time for, and what it refuses as an event', async () => {
  const { room, told } = follow({ schema: numbers })
  const read: unknown[] = []
  const reading = (async () => {
    for await (const event of room) read.push(event.type)
  })()
  room.heard(message(0, 2))
  room.heard(message(1, 1))
  room.heard(message(2, 'x'))
  room.heard(message(3, -1))
  expect([told, room.cursor]).toEqual([[], undefined])
  room.end()
  await reading
  expect(told).toEqual([2, 1, ['invalid', 'x', 'not a number'], ['invalid', -1, 'Error: a schema that throws']])
  expect(read).toEqual(['message', 'message', 'invalid', 'invalid'])
  expect(room.cursor).toBe(at(3))
})

it('publishes nothing that the schema refuses, and bytes without asking it', async () => {
  const { room, sent } = follow({ schema: numbers })
  await expect(room.publish('x' as unknown as number)).rejects.toMatchObject({ code: 'invalid' })
  expect(sent).toEqual([])
  void room.publish(new Uint8Array([1, 2, 255]), { id: 'i' })
  await Promise.resolve()
  expect(sent.map(({ fields }) => fields)).toEqual(['"id":"i","bytes":"AQL/"'])
})

it('says what is missing, goes on after it, and takes no gap for one that another wire has filled', () => {
  const { room, told } = follow({ cursor: at(0) })
  room.heard({ type: 'gap', after: at(0), before: at(1), reason: 'retention' })
  room.heard(message(1))
  room.heard(message(2))
  room.heard({ type: 'gap', after: at(0), before: at(1), reason: 'retention' })
  expect([told, room.start.cursor]).toEqual([['retention', 2], at(2)])
  room.heard({ type: 'gap', after: at(2), before: at(1), reason: 'rolled-back' })
  room.heard(message(2, 'another'))
  expect(told).toEqual(['retention', 2, 'rolled-back', 'another'])
})

it('recovers until it has come to where the log ended', () => {
  const { room } = follow({ cursor: at(0) })
  room.heard({ type: 'welcome', session: 's', head: at(2) })
  expect(room.isRecovering).toBe(true)
  room.heard(message(1))
  expect(room.isRecovering).toBe(true)
  room.heard({ type: 'cursor', cursor: at(2) })
  expect(room.isRecovering).toBe(false)
})

it('knows who is here, and says its own state again when the gateway has forgotten it', () => {
  const { room, sent } = follow({ presence: { state: { name: 'ada' } } })
  room.heard({ type: 'welcome', session: 'me' })
  const sync = (members: { session: string; state?: unknown }[]) =>
    room.heard({ type: 'presence', action: 'sync', count: members.length, members, rev: 'r1' })
  sync([{ session: 'me' }, { session: 'other' }])
  expect(sent.map(({ op, fields }) => [op, fields])).toEqual([['presence', '"state":{"name":"ada"}']])
  sync([{ session: 'me', state: { name: 'ada' } }])
  expect([sent.length, room.count, room.start.presence]).toEqual([1, 1, 'r1'])
  room.heard({ type: 'presence', action: 'join', session: 'other', rev: 'r2' })
  expect([...room.members.keys(), room.count]).toEqual(['me', 'other', 2])
  room.heard({ type: 'presence', action: 'leave', session: 'other', rev: 'r1' })
  room.heard({ type: 'presence', action: 'count', count: 700, rev: 'r9' })
  expect([room.count, room.start.presence]).toEqual([700, 'r9'])
})

it('lets no listener keep another from hearing', async () => {
  const { room, told } = follow()
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  const others = process.listeners('uncaughtException').slice(0, -1)
  for (const each of others) process.off('uncaughtException', each)
  room.on('message', () => {
    throw new Error('a listener')
  })
  const after: unknown[] = []
  room.on('message', ({ data }) => after.push(data))
  room.heard(message(0))
  expect(await thrown).toMatchObject({ message: 'a listener' })
  for (const each of others) process.on('uncaughtException', each)
  expect([told, after]).toEqual([[0], [0]])
})
