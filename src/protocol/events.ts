import type { ErrorCode } from './errors.ts'
import type { Ref } from './operations.ts'

/** One event on its way out, encoded once. `cursor`: where a client stands that has received it, if it moves it. */
export interface Item {
  readonly type: string
  readonly cursor?: string | undefined
  readonly json: string
}

export interface Welcome {
  readonly room: string
  readonly session: string
  /** Only if the server made the secret. */
  readonly resume?: string
  readonly cursor: string
  readonly head: string
  readonly recovered: boolean
  /** Seconds. */
  readonly heartbeat: number
}

/** Everything after `after` and up to `before` could not be recovered (FOLLOW-3). */
export interface Gap {
  readonly after: string
  readonly before: string
  readonly reason: 'retention' | 'epoch' | 'rolled-back' | 'forbidden'
}

const item = (type: string, fields: object, cursor?: string): Item => ({
  type,
  cursor,
  json: JSON.stringify({ type, ...fields }),
})

export const welcomeEvent = (welcome: Welcome): Item => item('welcome', welcome, welcome.cursor)
export const gapEvent = (gap: Gap): Item => item('gap', gap, gap.before)
export const cursorEvent = (cursor: string): Item => item('cursor', { cursor }, cursor)

export const ackEvent = (ack: { ref?: Ref; cursor?: string; id?: string; duplicate?: true }): Item => item('ack', ack)

/** `retryAfter`: seconds, where the same may succeed later. */
export const errorEvent = (ref: Ref | undefined, code: ErrorCode, message: string, retryAfter?: number): Item =>
  item('error', { ...(ref !== undefined && { ref }), code, message, ...(retryAfter !== undefined && { retryAfter }) })

export const closingEvent = (code: number, reason: string, retryAfter?: number): Item =>
  item('closing', { code, reason, ...(retryAfter !== undefined && { retryAfter }) })

/** Asks the client to say that it has read up to here (WS-6). */
export const probeEvent = (n: number): Item => item('probe', { n })

export const PONG: Item = item('pong', {})

/** WS-5: this text, exactly, is answered by that one, on the edge by the platform while the room sleeps. */
export const PING_TEXT = '{"op":"ping"}'
export const PONG_TEXT = `[${PONG.json}]`

/** A page of history: its `messages` are spliced as they stand in the log. */
export interface HistoryPage {
  readonly messages: readonly Item[]
  readonly next: string
  readonly prev: string | null
  readonly gap?: Gap
}

export function historyJson({ messages, next, prev, gap }: HistoryPage, head = '{'): string {
  const tail = gap === undefined ? '' : `,"gap":${JSON.stringify(gap)}`
  return `${head}"messages":[${messages.map((m) => m.json).join(',')}],"next":"${next}","prev":${JSON.stringify(prev)}${tail}}`
}

export const historyEvent = (ref: Ref | undefined, page: HistoryPage): Item => ({
  type: 'history',
  json: historyJson(page, `{"type":"history",${ref === undefined ? '' : `"ref":${JSON.stringify(ref)},`}`),
})
