import type { Sync } from '../../src/node/sqlite/open.ts'
import { SqliteStore } from '../../src/node/sqlite/store.ts'
import type { WebhookEvent } from '../../src/protocol/webhook.ts'
import type { Retention } from '../../src/room/log/retention.ts'

import type { AnyLog } from './remote.ts'

/** As a process with that mark opens it. */
export const open = (file: string, mark: string, kept?: Retention, since = 0, sync: Sync = 'normal'): SqliteStore =>
  new SqliteStore({ file, sync, writer: { mark, since }, ...(kept && { kept: () => kept }) })

/** A room's log in that store, each plan written at once. */
export function logIn(store: SqliteStore, room: string, tells: readonly WebhookEvent[] = []): AnyLog {
  const log = store.log(room, tells)
  return {
    load: () => log.load(),
    knows: (key) => log.knows(key),
    untold: (events) => log.untold(events),
    dead: (after, limit) => log.dead(after, limit),
    read: (scan) => log.read(scan),
    append: async (works, now) => {
      const plan = log.plan(works, now)
      if (plan.writes.length > 0) await store.write(plan.writes)
      log.confirm(plan)
      return plan.settled
    },
  }
}
