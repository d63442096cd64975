import type { RoomList, RoomQuery } from '../gateway/ports.ts'
import type { Activity } from '../room/info.ts'
import type { LocalRoom } from './local-room.ts'

interface Known {
  /** Those in memory. */
  readonly rooms: ReadonlyMap<string, LocalRoom>
  /** Stored names after that one, in their order. */
  names(after: string, limit: number): readonly string[]
}

/** What rooms there are (INFO-2). `shows` is asked of as many as there is room for, so a page may come out short. */
export function list({ rooms, names }: Known, { order, after, limit, shows }: RoomQuery): RoomList {
  if (order === 'activity') return { rooms: mostActive(rooms, limit, shows), next: null, listed: true }
  const unstored = first([...rooms.keys()].filter((name) => name > after).sort(), limit)
  const all = [...new Set([...names(after, limit), ...unstored])].sort()
  const page = first(all, limit)
  return {
    rooms: page.filter(shows).map((name) => rooms.get(name)?.activity ?? asleep(name)),
    next: page.length < limit ? null : (page.at(-1) ?? null),
    listed: true,
  }
}

const first = (names: readonly string[], limit: number): readonly string[] => names.slice(0, limit)

/** One pass that keeps as many as are wanted: there may be far more rooms than that. */
function mostActive(rooms: Known['rooms'], limit: number, shows: RoomQuery['shows']): Activity[] {
  const best: Activity[] = []
  for (const [name, room] of rooms) {
    const { activity } = room
    const last = best.at(-1)
    if (best.length === limit && last !== undefined && compare(activity, last) >= 0) continue
    if (!shows(name)) continue
    const place = best.findIndex((other) => compare(activity, other) < 0)
    best.splice(place === -1 ? best.length : place, 0, activity)
    if (best.length > limit) best.pop()
  }
  return best
}

const compare = (a: Activity, b: Activity): number =>
  b.rate - a.rate || b.connections - a.connections || b.sessions - a.sessions || (a.room < b.room ? -1 : 1)

/** It is in the log alone. */
const asleep = (room: string): Activity => ({ room, rate: 0, connections: 0, sessions: 0, awakeSince: null })
