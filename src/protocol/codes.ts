/**
 * WebSocket close codes (ERR-5). They say what the client shall do, so that a client that has never heard of one
 * still does the right thing: 4000–4499 come back with the cursor, 4500–4999 do not.
 */
export const CLOSE = {
  drain: 4000,
  slow: 4001,
  more: 4003,
  silent: 4004,
  token_expired: 4010,
  rate: 4011,
  storage: 4012,
  protocol: 4500,
  unauthorized: 4501,
  gap: 4502,
  forbidden: 4503,
  replaced: 4505,
  disconnected: 4506,
  revoked: 4507,
} as const

/** RFC 6455 section 7.4.1: a message that is too big to process. What plain connections get, which know no events. */
export const TOO_BIG = 1009

/** The same section: text that is not UTF-8. What the WebSocket library closes with by itself, and TCP as it does. */
export const NOT_UTF8 = 1007

/** The same section: something is wrong with what we do. */
export const INTERNAL_ERROR = 1011

/** The same section: all is said, and the other side knows. */
export const DONE = 1000

/** May the client come back by itself? Then it is told when. */
export const mayComeBack = (code: number): boolean => code >= 4000 && code < 4500

/** Codes that an endpoint may put into a close frame (RFC 6455 section 7.4); 1005, 1006 and the like may not. */
export const isSendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)

/** A close reason must fit a control frame: 123 bytes of UTF-8 (RFC 6455 section 5.5). */
export function closeReason(text: string): string {
  let cut = text.slice(0, 123)
  while (new TextEncoder().encode(cut).length > 123) cut = cut.slice(0, -1)
  return cut.toWellFormed()
}
