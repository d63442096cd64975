import { CLOSE } from '../../protocol/codes.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Hello } from '../../room/ports.ts'
import type { Leg, Wire } from '../ports.ts'

/**
 * A poll ends here when what lets it in does (ms): an alarm of the room's would wake it for a line that is held for less
 * than a minute.
 */
export async function endingAt(
  expiresAt: number | undefined,
  { kind }: Hello,
  leg: Leg,
  dial: () => Promise<Wire>,
): Promise<Wire> {
  const left = (expiresAt ?? Number.POSITIVE_INFINITY) - Date.now()
  const wire = await dial()
  if (kind !== 'poll' || left > LIMITS.waitMost * 1000) return wire
  const timer = setTimeout(() => {
    wire.close()
    leg.closed(CLOSE.token_expired, 'token_expired')
  }, left)
  return {
    ...wire,
    close() {
      clearTimeout(timer)
      wire.close()
    },
  }
}
