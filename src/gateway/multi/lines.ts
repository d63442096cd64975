import type { Pack } from '../../protocol/codec/index.ts'

/** An event of one room, on its way to a client that follows several. */
export interface Line {
  readonly type: string
  /** Where the client stands in that room when it has received this, if it moves it. */
  readonly cursor?: string | undefined
  /** With `room`; all else as the room has made it (DATA-1). */
  readonly json: string
}

/** How the room begins an event: a message has its cursor, if it has one, before anything that a client wrote. */
const BEGINNING = /^\{"type":"(\w+)"(?:,"cursor":"([^"]+)")?/

/** Made once, however many clients on this machine the room writes the pack to. */
const known = new WeakMap<Pack, readonly Line[]>()

/** The events of a pack of `room`'s, which has the codec `lines`. */
export function readLines(pack: Pack, room: string): readonly Line[] {
  const read = known.get(pack)
  if (read !== undefined) return read
  const lines = pack.frames
    .join('')
    .split('\n')
    .filter((json) => json !== '')
    .map((json) => toLine(json, room))
  known.set(pack, lines)
  return lines
}

function toLine(json: string, room: string): Line {
  const [, type = '', cursor] = BEGINNING.exec(json) ?? []
  // It names the room by itself.
  if (type === 'welcome') return { type, cursor: (JSON.parse(json) as { cursor: string }).cursor, json }
  const named = inRoom(json, room)
  if (type === 'gap') return { type, cursor: (JSON.parse(json) as { before: string }).before, json: named }
  // An ack begins like a message, and moves nothing (CUR-5).
  return { type, cursor: type === 'message' || type === 'cursor' ? cursor : undefined, json: named }
}

/** Names the room in an event: spliced, since printing the event anew would not leave its data as it came. */
export const inRoom = (json: string, room: string): string => `{"room":"${room}",${json.slice(1)}`
