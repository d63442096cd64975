import type { Bearer } from '../auth/gate.ts'
import { Refusal } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import { afterRoom, limit, order, type Query } from './parameters.ts'
import type { Runtime } from './ports.ts'
import { json } from './respond.ts'

/** `GET /v1/rooms?order=&after=&limit=` (INFO-2). */
export function listRooms(query: Query, runtime: Runtime, bearer: Bearer): Response {
  if (!bearer.manages) throw new Refusal('forbidden', 'The token does not grant `manage` in any room')
  const asked = {
    order: order.read(query) === 'name' ? ('name' as const) : ('activity' as const),
    after: afterRoom.read(query) ?? '',
    limit: limit.read(query) ?? LIMITS.historyDefault,
    shows: (room: string) => bearer.may(room, 'manage'),
  }
  return json(runtime.list?.(asked) ?? { rooms: [], next: null, listed: false }, 200)
}
