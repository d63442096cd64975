import { formatCursor, parseCursor } from '../protocol/cursor.ts'
import { back, headPosition, resumeFrom } from './extent.ts'
import type { Attachment, Head, Hello } from './ports.ts'

/** Where a connection that arrives is served from, and what it is greeted with (FOLLOW-1 to FOLLOW-4). */
export function arrive(head: Head, { codec, cursor, rewind, resume }: Hello): Pick<Attachment, 'at' | 'greeting'> {
  const end = headPosition(head)
  const { after, gap } =
    cursor === undefined
      ? { after: rewind === undefined ? end : back(head, end, rewind), gap: undefined }
      : resumeFrom(head, parseCursor(cursor))
  // A poll with a cursor is held until something comes: a greeting would be an answer (POLL-3).
  if (codec === 'poll' && cursor !== undefined && gap === undefined) return { at: after }
  const greeting = {
    cursor: cursor ?? formatCursor(after),
    head: formatCursor(end),
    recovered: cursor !== undefined && gap === undefined,
    ...(resume !== undefined && { resume }),
    ...(gap !== undefined && { gap }),
  }
  return { at: after, greeting }
}
