import type { Codec } from './codec.ts'

/** One event per line, which holds since no JSON has line breaks here (`onOneLine`). What a gateway that joins rooms reads. */
export const lines: Codec = {
  encode: (items) => [items.map((item) => `${item.json}\n`).join('')],
}
