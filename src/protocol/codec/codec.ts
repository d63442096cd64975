import type { Item } from '../events.ts'

export type Frame = string | Uint8Array

/** How events become what a transport sends. */
export interface Codec {
  /**
   * The frames for these events, in order; none if nothing of them is for this transport.
   * `through` is the cursor that they lead to, `head` that of the room's newest message.
   */
  encode(items: readonly Item[], through: string, head: string): readonly Frame[]
}

/** What one flush writes to one kind of connection: made once, shared by all who receive the same. */
export class Pack {
  readonly frames: readonly Frame[]
  readonly size: number
  /** How many events it is of. */
  readonly events: number
  /** The transport's own bytes of these frames, kept here by the host so that they too are made once. */
  wire: unknown

  constructor(frames: readonly Frame[], events = 1) {
    this.frames = frames
    this.events = events
    let size = 0
    for (const frame of frames) size += frame.length
    this.size = size
  }
}
