import { LIMITS } from '../protocol/limits.ts'
import { countAfter } from './extent.ts'
import type { Attached } from './info.ts'
import type { Connection, Head } from './ports.ts'

/** How it stands with a connection (SES-5). */
export function attachedOf(connection: Connection, head: Head): Attached {
  const { kind, since, at } = connection.attachment
  return {
    kind,
    since,
    queue: Math.max(LIMITS.ahead - connection.credit(), 0),
    lag: at === undefined ? 0 : countAfter(head, at),
  }
}
