import type { Gate } from '../../auth/gate.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { RoomLimits } from '../../room/ports.ts'

/** What a deployment may set of who may do how much (LIMIT-1 to LIMIT-4). */
export type Shares = Pick<RoomLimits, 'rate' | 'userRate' | 'perAddress' | 'connections'>

const NAMES = {
  HOLDLINE_RATE: 'rate',
  HOLDLINE_USER_RATE: 'userRate',
  HOLDLINE_CONNECTIONS_PER_ADDRESS: 'perAddress',
  HOLDLINE_CONNECTIONS_PER_ROOM: 'connections',
} as const

/** @throws Error that names the setting and what it must be */
export function sharesFrom(variables: Readonly<Record<string, unknown>>): Shares {
  const shares: { -readonly [name in keyof Shares]: number } = {}
  for (const [name, option] of Object.entries(NAMES)) {
    const text = variables[name]
    if (typeof text !== 'string' || text === '') continue
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} must be a whole number from 1, not "${text}"`)
    shares[option] = Number(text)
  }
  return shares
}

/** While it is open to this machine alone, there is nobody to be kept from taking too much but by what is set. */
export function sharesOf(set: Shares, mode: Gate['mode']): Shares {
  if (mode === 'loopback') return set
  const { rate, userRate, perAddress, connections } = LIMITS
  return { rate, userRate, perAddress, connections, ...set }
}
