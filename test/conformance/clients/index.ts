import type { Target } from '../../targets/target.ts'
import type { Transport } from './follower.ts'
import { poll } from './poll.ts'
import { sse } from './sse.ts'
import { tcp } from './tcp.ts'
import { framed, plain } from './websocket.ts'

/** Those that every target has. */
export const transports: Transport[] = [framed, plain, poll, sse]

/** Those that tell their client cursors and gaps. */
export const tellingTransports: Transport[] = [framed, poll, sse]

/** The edge takes no TCP: the platform hands over HTTP requests alone. */
const tcpOn = ({ target }: { readonly target: Pick<Target, 'name'> }): Transport[] =>
  target.name === 'node' ? [tcp] : []

export const transportsOf = (gateway: Parameters<typeof tcpOn>[0]): Transport[] => [...transports, ...tcpOn(gateway)]

export const tellingTransportsOf = (gateway: Parameters<typeof tcpOn>[0]): Transport[] => [
  ...tellingTransports,
  ...tcpOn(gateway),
]
