import type { OutboxRow } from '../protocol/webhook.ts'
import { type Signer, webhookId } from './sign.ts'

export interface Posting {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Of all of it (ms). */
  readonly timeout: number
  /** The most of the answer's body that is read, in bytes; a longer one is an error. 0: it is not read. */
  readonly maxAnswer: number
}

export interface Posted {
  readonly status: number
  readonly body: string
  /** The header's. */
  readonly retryAfter: string | null
}

/**
 * How a runtime posts: no redirect is followed, and no private address reached unless that is allowed. Rejects when
 * nothing came, or not in time.
 */
export type Post = (posting: Posting) => Promise<Posted>

/** What became of one attempt. */
export type Answer = { readonly isTaken: boolean; readonly why: string; readonly retryAfter?: number }

export interface TargetOptions {
  readonly url: string
  readonly timeout: number
  readonly signer: Signer
  readonly post: Post
  now(): number
}

/** Sends a batch, once (HOOK-2, HOOK-3). */
export async function sendBatch(target: TargetOptions, room: string, rows: readonly OutboxRow[]): Promise<Answer> {
  const { url, timeout, signer, post, now } = target
  const body = `[${rows.map(({ events }) => events.replaceAll('\n', ',')).join(',')}]`
  try {
    const id = await webhookId(room, rows[0]?.key ?? '', rows.at(-1)?.key ?? '')
    const signature = await signer.headers(id, Math.floor(now() / 1000), body)
    const headers = { 'content-type': 'application/cloudevents-batch+json', ...signature }
    const { status, retryAfter } = await post({ url, headers, body, timeout, maxAnswer: 0 })
    const seconds = Number(retryAfter ?? 0)
    return {
      isTaken: status >= 200 && status < 300,
      why: `it answered ${status}`,
      ...(seconds > 0 && { retryAfter: seconds }),
    }
  } catch (error) {
    return { isTaken: false, why: whyOf(error) }
  }
}

/** What went wrong, without what was sent. */
export function whyOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: Error }
  if (name === 'TimeoutError' || name === 'AbortError') return 'it did not answer in time'
  return cause?.message ?? message
}
