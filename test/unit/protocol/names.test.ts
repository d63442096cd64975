import { expect, it } from 'vitest'
import { roomName } from '../../../src/protocol/names.ts'

it.each(['.', '..', '', 'a b', 'ä', 'a/b', 'x'.repeat(129), 'a\n'])('NAME-1 %j is no room', (name) => {
  expect(() => roomName(name)).toThrow(expect.objectContaining({ code: 'bad_room' }))
})

it.each(['...', '.a', 'x'.repeat(128), 'Az09_.:~@-'])('NAME-1 %j is a room', (name) => {
  expect(roomName(name)).toBe(name)
})
