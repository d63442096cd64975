import { comparePositions } from '../protocol/cursor.ts'
import { headPosition } from './extent.ts'
import { unwritten } from './outcomes.ts'
import type { Connection, Head, Heard } from './ports.ts'
import type { Room } from './room.ts'
import type { WorkQueue } from './work-queue.ts'

export interface Rebirth {
  /** Of the room before. */
  readonly heard: Heard
  /** What that one has handed over for its commit. */
  readonly works: WorkQueue
  readonly connections: Iterable<Connection>
  /** Of the log as it is. */
  readonly head: Head
  /** Why the log cannot be written, where that is known. */
  readonly why?: string | undefined
}

/**
 * Has a room go on from where the one before had to end: its commit failed, or was written and could not be told. What
 * came in meanwhile built upon what has failed (state, presence), so it fails too.
 */
export function revive(room: Room<unknown>, { heard, works, connections, head, why }: Rebirth): void {
  const failed = [...works.done(), ...works.take()]
  works.done()
  room.wake(connections, heard)
  const outcome = unwritten(comparePositions(heard.position, headPosition(head)) < 0, why)
  const outcomes = failed.flatMap(({ replyTo }) => (replyTo === undefined ? [] : [{ replyTo, outcome }]))
  room.settled({ entries: [], outcomes, head })
}
