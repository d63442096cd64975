import { sha256 } from '@noble/hashes/sha2.js'
import { Recent } from './recent.ts'

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** 22 digits of 16 bytes (RFC 4648 section 5): each request has some, and `btoa` and three replacements cost it 1 µs. */
function base64Url(bytes: Uint8Array): string {
  let text = ''
  let [bits, held] = [0, 0]
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff
    for (held += 8; held >= 6; held -= 6) text += DIGITS[(bits >> (held - 6)) & 63]
  }
  return text + DIGITS[(bits << (6 - held)) & 63]
}

/** Filled at once, since asking for 16 bytes costs nearly what asking for 4,096 does; every byte is used once. */
const pool = new Uint8Array(4096)
let used = pool.length

/** Random text that nobody guesses: 128 bits in 22 URL-safe characters. Resume secrets and message ids. */
export function randomSecret(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  used += 16
  return base64Url(pool.subarray(used - 16, used))
}

const utf8 = new TextEncoder()

/** A poll asks for its own each time. */
const ids = new Recent<string>(8192)

/**
 * The public name of a session (FOLLOW-6): it is told to others, and the secret cannot be found from it. The digest is
 * made here: for Web Crypto each is a trip to another thread and back (20 to 50 µs on Node 24, this 4; 2026-11).
 */
export function sessionId(room: string, secret: string): string {
  const named = `${room}\n${secret}`
  const known = ids.get(named)
  if (known !== undefined) return known
  const id = base64Url(sha256(utf8.encode(named)).subarray(0, 16))
  ids.set(named, id)
  return id
}
