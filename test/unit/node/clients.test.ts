import { expect, it } from 'vitest'
import { Clients } from '../../../src/node/clients.ts'

const clients = new Clients(['10.0.0.0/8', '::1'])

it.each([
  ['203.0.113.7', '198.51.100.1', '203.0.113.7'],
  ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['10.1.2.3', '6.6.6.6, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
  ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['::1', null, '::1'],
  ['10.1.2.3', 'unknown', '10.1.2.3'],
  ['10.1.2.3', '6.6.6.6, 198.51.100.1:4711', '198.51.100.1'],
  ['10.1.2.3', '[2001:db8::7]:4711', '2001:db8::7'],
  ['10.1.2.3', '[2001:db8::7]', '2001:db8::7'],
  ['10.1.2.3', '::FFFF:198.51.100.1', '198.51.100.1'],
  ['10.1.2.3', '198.51.100.1, 10.0.0.1:80', '198.51.100.1'],
  ['10.1.2.3', '127.0.0.1, evil]', '10.1.2.3'],
])('LIMIT-3 %s that forwards %s is %s', (remoteAddress, forwarded, expected) => {
  expect(clients.addressOf({ remoteAddress }, forwarded)).toBe(expected)
})

it.each(['proxy.example', '10.0.0.0/33', '10.0.0', '::1/129', '::g', ''])('LIMIT-3 %j is no proxy', (proxy) => {
  expect(() => new Clients([proxy])).toThrow()
})
