import { expect, test } from 'vitest'
import { list } from '../../../src/node/listing.ts'
import type { LocalRoom } from '../../../src/node/local-room.ts'

const stored = ['a', 'b', 'd', 'e'].sort()
const names = (after: string, limit: number) => stored.filter((name) => name > after).slice(0, limit)
const room = (name: string, rate: number, connections: number) =>
  [name, { activity: { room: name, rate, connections, sessions: connections, awakeSince: 1 } } as LocalRoom] as const
const rooms = new Map([room('c', 0, 1), room('b', 2, 0), room('x', 0, 0), room('f', 0, 7), room('g', 3, 0)])
const all = () => true
const shown = (query: Partial<Parameters<typeof list>[1]>) => {
  const { rooms: found, next } = list({ rooms, names }, { order: 'name', after: '', limit: 100, shows: all, ...query })
  return [found.map((each) => each.room).join(''), next]
}

test('INFO-2 the most active first, as many as are wanted', () => {
  expect(shown({ order: 'activity' })).toEqual(['gbfcx', null])
  expect(shown({ order: 'activity', limit: 3 })).toEqual(['gbf', null])
  expect(shown({ order: 'activity', limit: 2, shows: (name) => name > 'b' && name < 'g' })).toEqual(['fc', null])
})

test('INFO-2 by name, those in memory and those in the log, each once', () => {
  expect(shown({})).toEqual(['abcdefgx', null])
  expect(shown({ limit: 3 })).toEqual(['abc', 'c'])
  expect(shown({ limit: 3, after: 'c' })).toEqual(['def', 'f'])
  expect(shown({ limit: 3, after: 'f' })).toEqual(['gx', null])
  const [first] = list({ rooms, names }, { order: 'name', after: '', limit: 1, shows: all }).rooms
  expect(first).toEqual({ room: 'a', rate: 0, connections: 0, sessions: 0, awakeSince: null })
})

test('INFO-2 what may not be shown makes a page shorter, and ends none', () => {
  expect(shown({ limit: 4, shows: (name) => name === 'x' })).toEqual(['', 'd'])
  expect(shown({ limit: 4, after: 'd', shows: (name) => name === 'x' })).toEqual(['x', 'x'])
  expect(shown({ limit: 4, after: 'x', shows: all })).toEqual(['', null])
})
