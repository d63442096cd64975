import type { Mode } from '../../auth/gate.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { RoomLimits } from '../../room/ports.ts'

/** What a deployment may set of how much each may do, and how many may be there. */
export interface Limits extends RoomLimits {
  /** MULTI-1: of one connection. */
  readonly rooms: number
}

/** While it is open to this machine alone, there is nobody to be kept from taking too much but by what is set. */
export function limitsOf(set: Partial<Limits>, mode: Mode): Limits {
  const { rate, userRate, perAddress, connections } = LIMITS
  return {
    payload: LIMITS.payload,
    presence: LIMITS.presenceList,
    presenceState: LIMITS.presenceState,
    historyPage: LIMITS.historyMost,
    rooms: LIMITS.rooms,
    ...(mode !== 'loopback' && { rate, userRate, perAddress, connections }),
    ...set,
  }
}
