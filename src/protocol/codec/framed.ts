import type { Codec } from './codec.ts'

/** `holdline.v1` (WS-1): an array of events in one text message, so that a busy room sends many at the price of one. */
export const framed: Codec = {
  encode: (items) => [`[${items.map((item) => item.json).join(',')}]`],
}
