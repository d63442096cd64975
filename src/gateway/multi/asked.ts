import { randomSecret, sessionId } from '../../auth/secrets.ts'
import { Refusal } from '../../protocol/errors.ts'
import { roomName } from '../../protocol/names.ts'
import type { Hello } from '../../room/ports.ts'
import { cursors, presences, type Query, resume, rewind, rooms as roomsParameter } from '../parameters.ts'
import { presenceOf } from '../query.ts'
import { Vector } from './vector.ts'

/** Where a client begins in a room, and whether it is present there. */
export type Start = Pick<Hello, 'cursor' | 'rewind' | 'presence'>

/** What a client asks who follows several rooms at once. */
export interface Asked {
  readonly rooms: readonly string[]
  readonly vector: Vector
  /** One secret for all rooms: as the session's id is a hash of room and secret, they cannot be told to be one. */
  readonly secret: string
  /** Set if the server made it, and so must tell it. */
  readonly resume?: string
  readonly starts: ReadonlyMap<string, Start>
}

/** `most`: rooms; `last`: what stands in place of `cursor`. @throws Refusal `bad_request`, `bad_room`, `bad_cursor` */
export function readAsked(query: Query, most: number, last?: string): Asked {
  const rooms = roomList(roomsParameter.read(query), most)
  const vector = new Vector(rooms, last ?? cursors.read(query))
  const back = rewind.read(query)
  const present = presencesOf(presences.read(query), rooms)
  const chosen = resume.read(query)
  const secret = chosen ?? randomSecret()
  const startOf = (room: string, i: number): Start => {
    const cursor = vector.get(room)
    const from = cursor !== undefined ? { cursor } : back !== undefined ? { rewind: back } : {}
    return { ...from, ...present[i] }
  }
  return {
    rooms,
    vector,
    secret,
    ...(chosen === undefined && { resume: secret }),
    starts: new Map(rooms.map((room, i) => [room, startOf(room, i)])),
  }
}

/** What a room is told of such a client. */
export function helloOf(
  as: Pick<Hello, 'kind' | 'codec'>,
  { secret, resume }: Pick<Asked, 'secret' | 'resume'>,
  room: string,
  start: Start,
): Hello {
  return { ...as, ...start, session: sessionId(room, secret), ...(resume !== undefined && { resume }) }
}

function roomList(text: string | undefined, most: number): readonly string[] {
  const names = text ? text.split(',') : []
  if (names.length === 0 || names.length > most) {
    throw new Refusal('bad_request', `\`rooms\` must name 1 to ${most} rooms, joined by commas`)
  }
  for (const name of names) roomName(name)
  if (new Set(names).size < names.length) throw new Refusal('bad_request', '`rooms` names a room twice')
  return names
}

/** `1` for all of them, or each one's rev, joined like cursors. */
function presencesOf(text: string | undefined, rooms: readonly string[]): readonly Pick<Start, 'presence'>[] {
  if (text === undefined || text === '0' || text === '1') return rooms.map(() => presenceOf(() => text))
  const revs = text.split('.')
  if (revs.length !== rooms.length) {
    throw new Refusal('bad_request', '`presence` must be 1, or the rev of each room that you know, joined by dots')
  }
  return revs.map((rev) => presenceOf(() => rev || '1'))
}
