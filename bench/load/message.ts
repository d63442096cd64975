export const MESSAGE_BYTES = 128

const MARK = '~@#~'
const MARK_BYTES = Buffer.from(MARK)
const SENDERS = 1000
const FILLER = 'the quick brown fox jumps over the lazy dog, 0123456789 times a day. '.repeat(3)

/** A message is known by its key: which publisher sent it, and its number among that publisher's. */
export const keyOf = (sender: number, sequence: number): number => sequence * SENDERS + sender
export const senderOf = (key: number): number => key % SENDERS
export const sequenceOf = (key: number): number => Math.floor(key / SENDERS)

export function messageText(key: number): string {
  return `${MARK}${String(key).padStart(12, '0')} ${FILLER}`.slice(0, MESSAGE_BYTES)
}

/** Reads the keys of all messages in `buffer[start, end)` into `keys`, whatever they are wrapped in. */
export function readKeys(buffer: Buffer, start: number, end: number, keys: number[]): number {
  let found = 0
  let at = buffer.indexOf(MARK_BYTES, start)
  while (at !== -1 && at + 16 <= end) {
    let key = 0
    for (let i = at + 4; i < at + 16; i++) key = key * 10 + (buffer[i] as number) - 48
    keys[found++] = key
    at = buffer.indexOf(MARK_BYTES, at + MESSAGE_BYTES)
  }
  return found
}
