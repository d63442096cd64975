import { toBase64 } from '../protocol/data.ts'

const base64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

/** Random text that nobody guesses: 128 bits in 22 URL-safe characters. Resume secrets and message ids. */
export const randomSecret = (): string => base64Url(crypto.getRandomValues(new Uint8Array(16)))

/** The public name of a session (FOLLOW-6): it is told to others, and the secret cannot be found from it. */
export async function sessionId(room: string, secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${room}\n${secret}`))
  return base64Url(new Uint8Array(digest, 0, 16))
}
