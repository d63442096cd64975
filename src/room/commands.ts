import type { Pass } from '../protocol/capabilities.ts'
import type { Reader } from '../protocol/entry.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { HistoryPage } from '../protocol/events.ts'
import type { HistoryQuery, Publication } from '../protocol/operations.ts'
import type { PresenceList } from '../protocol/presence.ts'
import type { DeadLetter } from '../protocol/webhook.ts'
import type { Info, SessionInfo } from './info.ts'
import type { RevokedKind } from './ports.ts'

/** What the gateway asks of a room, and in whose name; without a pass it may do everything. */
export type Command = Asked & {
  readonly user?: string
  readonly pass?: Pass
  readonly isBackend?: true
  /** TRACE-1. */
  readonly traceparent?: string
}

type Asked =
  | { readonly type: 'publish'; readonly publication: Publication; readonly session?: string }
  | { readonly type: 'batch'; readonly publications: readonly Publication[]; readonly session?: string }
  | { readonly type: 'history'; readonly query: HistoryQuery; readonly reader: Reader }
  | { readonly type: 'presence' }
  | { readonly type: 'present'; readonly session: string; readonly state: string | null }
  | { readonly type: 'sessions'; readonly after: string; readonly limit: number }
  | { readonly type: 'session'; readonly id: string }
  | { readonly type: 'disconnect'; readonly id: string }
  | { readonly type: 'revoke'; readonly revocations: readonly Revocation[] }
  | { readonly type: 'info' }
  | { readonly type: 'dead'; readonly after: string; readonly limit: number }
  /** Without a key: all of them, as many as one write takes. */
  | { readonly type: 'resend'; readonly key?: string }

/** Whom not to let in any more (AUTH-9), until then (ms). */
export interface Revocation {
  readonly kind: RevokedKind
  readonly name: string
  readonly until: number
}

export type Reply =
  | { readonly type: 'published'; readonly id?: string; readonly cursor?: string; readonly duplicate?: true }
  | { readonly type: 'batch'; readonly replies: readonly Reply[] }
  | { readonly type: 'presence'; readonly list: PresenceList }
  | { readonly type: 'sessions'; readonly sessions: readonly SessionInfo[]; readonly next: string | null }
  | { readonly type: 'history'; readonly page: HistoryPage }
  | { readonly type: 'info'; readonly info: Info }
  | { readonly type: 'dead'; readonly letters: readonly DeadLetter[]; readonly next: string | null }
  | { readonly type: 'resent'; readonly count: number }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string; readonly retryAfter?: number }
