import type { JWTVerifyGetKey } from 'jose'
import { createRemoteJWKSet, customFetch } from 'jose/jwks/remote'
import { Refusal } from '../protocol/errors.ts'
import type { Tell } from '../protocol/journal.ts'

const TIMEOUT = 3000
/**
 * No sooner than this are keys asked for again, because a token names one that is not known, or because it failed (ms).
 * Whoever forges names can have them fetched so often, and no new key is unknown for longer. Ten times a minute is what
 * others allow as well (https://github.com/auth0/node-jwks-rsa, `jwksRequestsPerMinute`, 2026-11); jose alone has 30 s.
 */
const COOLDOWN = 6000
const FAILURE_COOLDOWN = 5000
/** How long keys are taken for what they are, and how long they serve on while they cannot be had anew (ms). */
const FRESH = 10 * 60_000
const STALE = 60 * 60_000
const BYTES_MOST = 64 * 1024

/** Public keys at a URL: kept, fetched anew when they are rotated, never more of them than we can bear. */
export function remoteKeys(url: string, tell?: Tell): JWTVerifyGetKey {
  let kept: { text: string; at: number } | undefined
  let failedAt = Number.NEGATIVE_INFINITY
  const fetchKeys = async (address: string, options: RequestInit): Promise<Response> => {
    try {
      if (Date.now() - failedAt < FAILURE_COOLDOWN) throw new Error('asked a moment ago, and it failed')
      const response = await fetch(address, options)
      const text = await bounded(response)
      if (response.status !== 200) throw new Error(`answered with ${response.status}`)
      // A page that says why there are none must not take the place of those that there are.
      if (!isKeySet(text)) throw new Error('answered with something else than a set of keys')
      kept = { text, at: Date.now() }
    } catch (error) {
      const isNews = Date.now() - failedAt >= FAILURE_COOLDOWN
      if (isNews) failedAt = Date.now()
      if (isNews) tell?.('warn', 'The keys that tokens are checked with cannot be fetched', { url, why: `${error}` })
      if (kept === undefined || Date.now() - kept.at > STALE) {
        throw new Refusal('keys', 'The keys that tokens are checked with cannot be fetched')
      }
    }
    return new Response(kept.text)
  }
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT,
    cooldownDuration: COOLDOWN,
    cacheMaxAge: FRESH,
    [customFetch]: fetchKeys,
  })
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text)?.keys)
  } catch {
    return false
  }
}

async function bounded(response: Response): Promise<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.length
    if (size > BYTES_MOST) {
      await reader.cancel()
      throw new Error(`has more than ${BYTES_MOST} bytes`)
    }
    text += decoder.decode(value, { stream: true })
  }
  return text + decoder.decode()
}
