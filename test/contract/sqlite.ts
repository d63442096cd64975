import { SqliteStore } from '../../src/node/sqlite/store.ts'
import type { WebhookEvent } from '../../src/protocol/webhook.ts'
import type { Log } from '../../src/room/log/log.ts'
import type { Retention } from '../../src/room/log/retention.ts'

/** As a process with that mark opens it. */
export const open = (file: string, mark: string, kept?: Retention, since = 0): SqliteStore =>
  new SqliteStore({ file, writer: { mark, since }, ...(kept && { kept: () => kept }) })

/** A room's log in that store, each plan written at once. */
export function logIn(store: SqliteStore, room: string, tells: readonly WebhookEvent[] = []): Log {
  const log = store.log(room, tells)
  return {
    load: () => log.load(),
    knows: (key) => log.knows(key),
    untold: (events) => log.untold(events),
    dead: (after, limit) => log.dead(after, limit),
    read: (scan) => log.read(scan),
    append: (works, now) => {
      const plan = log.plan(works, now)
      if (plan.writes.length > 0) store.write(plan.writes)
      log.confirm(plan)
      return plan.settled
    },
  }
}
