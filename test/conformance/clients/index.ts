import type { Transport } from './follower.ts'
import { poll } from './poll.ts'
import { sse } from './sse.ts'
import { framed, plain } from './websocket.ts'

export const transports: Transport[] = [framed, plain, poll, sse]

/** Those that tell their client cursors and gaps. */
export const tellingTransports: Transport[] = [framed, poll, sse]
