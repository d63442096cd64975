import { may } from '../protocol/capabilities.ts'
import { comparePositions, formatCursor, type Position, parseCursor } from '../protocol/cursor.ts'
import { type Gap, gapEvent, type Item, welcomeEvent } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import { back, headPosition, resumeFrom } from './extent.ts'
import type { Head, Hello } from './ports.ts'

export interface Arrival {
  /** Where it is served from; undefined: it has all there is. */
  readonly at?: Position
  readonly greeting: readonly Item[]
  readonly gap?: Gap
}

/** Where a connection that arrives is served from, and what it is greeted with (FOLLOW-1 to FOLLOW-4). */
export function arrive(room: string, head: Head, hello: Hello): Arrival {
  const { codec, cursor, rewind, resume, session, pass, presence } = hello
  const end = headPosition(head)
  const start: { after: Position; gap?: Gap } =
    cursor === undefined
      ? { after: rewind === undefined ? end : back(head, end, rewind) }
      : resumeFrom(head, parseCursor(cursor))
  const { after, gap } = start
  const isBehind = comparePositions(after, end) < 0
  const gaps = gap === undefined ? [] : [gapEvent(gap)]
  // To a poll every greeting is its answer. With a cursor it is held until something comes (POLL-3), and with `rewind`
  // until the first page is read; it is answered at once when it asks where it stands (POLL-2).
  const isWelcomed = codec !== 'poll' || (cursor === undefined && !isBehind)
  const welcome = (): Item =>
    welcomeEvent({
      room,
      session,
      ...(resume !== undefined && { resume }),
      cursor: cursor ?? formatCursor(after),
      head: formatCursor(end),
      // Without `history`, what comes may begin with a gap: the messages' times are not known yet.
      recovered: cursor !== undefined && gap === undefined && (!isBehind || may(pass, 'history')),
      heartbeat: LIMITS.heartbeat,
    })
  const greeting = isWelcomed ? [welcome(), ...gaps] : gaps
  // A poll may have to wait until it can be told who is here; what comes meanwhile is still to be read to it.
  const mayWait = codec === 'poll' && presence !== undefined && cursor !== undefined
  return { greeting, ...((isBehind || mayWait) && { at: after }), ...(gap !== undefined && { gap }) }
}
