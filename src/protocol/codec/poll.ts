import type { Codec } from './codec.ts'

/** Events that a poll's envelope says already. */
const IN_ENVELOPE = new Set(['welcome', 'cursor'])

/** POLL-1, as far as it is the same for every poll that is answered by it: the gateway adds session and advice. */
export const poll: Codec = {
  encode: (items, through, head) => {
    const events = items.filter((item) => !IN_ENVELOPE.has(item.type)).map((item) => item.json)
    return [`{"cursor":"${through}","head":"${head}","events":[${events.join(',')}]`]
  },
}
