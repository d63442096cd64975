import { toBase64 } from '../protocol/data.ts'
import { Recent } from './recent.ts'

const base64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

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

/** A poll asks for its own each time, and a digest is a trip to another thread. */
const ids = new Recent<string>(8192)

/** The public name of a session (FOLLOW-6): it is told to others, and the secret cannot be found from it. */
export async function sessionId(room: string, secret: string): Promise<string> {
  const named = `${room}\n${secret}`
  const known = ids.get(named)
  if (known !== undefined) return known
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(named))
  const id = base64Url(new Uint8Array(digest, 0, 16))
  ids.set(named, id)
  return id
}
