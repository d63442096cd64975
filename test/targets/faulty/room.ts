import type { Settled } from '../../../src/room/ports.ts'
import { Room } from '../../../src/room/room.ts'

/** A room with a fault of its own: what holds one of these words it cannot tell, before or after others have heard of it. */
export class FaultyRoom extends Room {
  override settled(settled: Settled): void {
    const holds = (word: string): boolean => settled.entries.some(({ json }) => json.includes(word))
    if (holds('untold')) throw new Error('made to fail before it is told')
    super.settled(settled)
    if (holds('half-told')) throw new Error('made to fail when it was told')
  }
}
