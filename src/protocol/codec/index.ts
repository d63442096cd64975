import type { Codec } from './codec.ts'
import { framed } from './framed.ts'
import { lines } from './lines.ts'
import { plain } from './plain.ts'
import { poll } from './poll.ts'
import { sse } from './sse.ts'

export { type Codec, type Frame, Pack } from './codec.ts'

/** One codec per way of reading a room. */
export const codecs = { framed, lines, plain, poll, sse } satisfies Record<string, Codec>

export type CodecName = keyof typeof codecs
