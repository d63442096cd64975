import { endOf, HoldlineError } from './errors.ts'
import type { FollowedRoom } from './followed-room.ts'
import type { Requests } from './requests.ts'
import type { RoomEvent } from './transports/wire.ts'

/** A poll of one room alone, which is answered at once. @throws HoldlineError */
const look = (room: FollowedRoom, requests: Requests, signal: AbortSignal) =>
  requests.call<{ cursor: string; events: readonly RoomEvent[] }>(requests.following([room], 'poll', { wait: 0 }), {
    signal,
  })

/** Several rooms at once can only be rewound alike: those that are not are begun apart. @throws HoldlineError */
export async function rewindApart(
  rooms: readonly FollowedRoom[],
  requests: Requests,
  signal: AbortSignal,
): Promise<void> {
  const fresh = rooms.filter(({ start }) => start.cursor === undefined)
  if (rooms.length < 2 || new Set(fresh.map(({ start }) => start.rewind)).size < 2) return
  for (const room of fresh) {
    const { cursor, events } = await look(room, requests, signal)
    for (const event of [...events, { type: 'cursor', cursor } as const]) room.heard(event)
  }
}

/** Those of several rooms that the gateway refuses for good. */
export async function refusedApart(
  rooms: readonly FollowedRoom[],
  requests: Requests,
  signal: AbortSignal,
): Promise<[name: string, why: HoldlineError][]> {
  const refused: [string, HoldlineError][] = []
  for (const room of rooms) {
    const answer = await look(room, requests, signal).catch((error: HoldlineError) => error)
    if (answer instanceof HoldlineError && endOf(answer).final) refused.push([room.name, answer])
  }
  return refused
}
