import type { Codec } from './codec.ts'

/** One event per line, which holds since no JSON has line breaks here (`onOneLine`). What TCP clients and a gateway that joins rooms read. */
export const lines: Codec = {
  encode: (items) => [items.map((item) => `${item.json}\n`).join('')],
}
