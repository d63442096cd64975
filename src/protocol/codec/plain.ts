import { Entry } from '../entry.ts'
import type { Codec } from './codec.ts'

/** PLAIN-1: what was published, bare, and nothing else. */
export const plain: Codec = {
  encode: (items) => items.flatMap((item) => (item instanceof Entry && item.type === 'message' ? [item.plain()] : [])),
}
