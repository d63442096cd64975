import { expect, it } from 'vitest'
import { opens } from '../../../src/auth/patterns.ts'

it.each([
  ['chat:*', 'chat:x', true],
  ['chat:*', 'chat:', true],
  ['chat:*', 'chat2:x', false],
  ['chat:*', 'xchat:x', false],
  ['*', 'anything', true],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['ab*ba', 'aba', false],
  ['doc:{user}', 'doc:ada', true],
  ['doc:{user}', 'doc:bob', false],
  ['doc:{user}:*', 'doc:ada:1', true],
  ['{user}-{user}', 'ada-ada', true],
  ['chat.x', 'chatyx', false],
  ['', '', true],
])('AUTH-4 %s opens %s: %s', (pattern, room, expected) => {
  expect(opens(pattern, room, 'ada')).toBe(expected)
})

it.each(['*', 'a:b', '', '$&', undefined])('AUTH-4 user %s opens nothing by {user}', (user) => {
  for (const room of ['x', `${user}`, 'a:b']) expect(opens('{user}', room, user)).toBe(false)
})

it('AUTH-4 no pattern takes long', () => {
  const began = performance.now()
  expect(opens('*a'.repeat(128), 'a'.repeat(127), 'ada')).toBe(false)
  expect(performance.now() - began).toBeLessThan(1000)
})
