import { expect, it } from 'vitest'
import { networkOf } from '../../../src/gateway/access/network.ts'

it.each([
  ['198.51.100.1', '198.51.100.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['2001:db8:1:2:3:4:192.0.2.1', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '::1'],
  ['::ffff:198.51.100.1', '::ffff:198.51.100.1'],
  ['::ffff:c633:6401', '::ffff:c633:6401'],
])('LIMIT-3 %s counts as %s', (address, network) => expect(networkOf(address)).toBe(network))
