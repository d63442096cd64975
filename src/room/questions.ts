import type { Judgement } from '../protocol/ask.ts'
import type { Pass } from '../protocol/capabilities.ts'
import type { MessageDraft } from '../protocol/entry.ts'
import type { Parsed, Publication, Ref } from '../protocol/operations.ts'
import type { Connection, ReplyTo, Verdict } from './ports.ts'
import type { Session } from './sessions.ts'

/** What is to be decided elsewhere, with all that its answer needs, so that the room need not remember it. */
export type Question = AuthQuestion | MessageQuestion | TurnQuestion

/** A token that came in-band is to be verified. */
export interface AuthQuestion {
  readonly hook: 'auth'
  readonly line: Connection
  readonly ref?: Ref
  readonly token: string
}

/** The backend is asked about messages that are committed together. `line`: a connection, or the name of who publishes. */
export interface MessageQuestion {
  readonly hook: 'message'
  readonly line: Connection | string
  readonly messages: readonly Submission[]
}

/** Nobody is asked: an operation waits for its turn behind what is. */
export interface TurnQuestion {
  readonly hook: 'turn'
  readonly line: Connection
  readonly parsed: Parsed
  /** Bytes of what it came in. */
  readonly size: number
}

/** A question whose answer is known and whose turn has come. */
export type Answered =
  | (AuthQuestion & { readonly verdict: Verdict })
  | (MessageQuestion & { readonly verdicts: readonly Judgement[] })
  | TurnQuestion

/** What somebody wants published. */
export interface Submission {
  readonly publication: Publication
  /** What it would be in the log, as it came. */
  readonly draft: MessageDraft
  /** Null: the backend's own, or somebody's without a session. */
  readonly session: Session | null
  readonly user?: string
  readonly pass?: Pass
  readonly replyTo?: ReplyTo
}
