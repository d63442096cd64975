import { Entry } from '../entry.ts'
import type { Codec } from './codec.ts'

/** PLAIN-1: what was published, bare, and nothing else. */
export const plain: Codec = {
  encode: (items) => items.filter((item) => item instanceof Entry).map((entry) => entry.plain()),
}
