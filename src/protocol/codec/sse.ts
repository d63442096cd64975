import type { Item } from '../events.ts'
import type { Codec } from './codec.ts'

/** SSE-1. A JSON text has no line breaks here (`onOneLine`), so one `data:` line holds it. */
function block({ type, cursor, json }: Item): string {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`
  // FOLLOW-8: a block without data moves the client's Last-Event-ID and is not dispatched.
  if (type === 'cursor') return `${id}\n`
  return `${id}${type === 'message' ? '' : `event: ${type}\n`}data: ${json}\n\n`
}

export const sse: Codec = {
  encode: (items) => [items.map(block).join('')],
}
