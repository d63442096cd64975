import type { Judgement } from '../protocol/ask.ts'
import type { Pass } from '../protocol/capabilities.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { Publication } from '../protocol/operations.ts'
import { rewritten, toDraft } from './incoming.ts'
import type { Outcome, ReplyTo, RoomHost } from './ports.ts'
import type { MessageQuestion, Submission } from './questions.ts'

/** What the room does with what was submitted. */
export interface SubmissionStage {
  /** Has it too much to commit? */
  isBusy(): boolean
  /** Why its sender may do nothing any more. */
  notFor(submission: Submission): { readonly code: ErrorCode; readonly message: string } | undefined
  answer(replyTo: ReplyTo | undefined, outcome: Outcome): void
  publish(submission: Submission): void
}

export const BUSY = { error: 'busy', message: 'The room has more to commit than it can' } as const
const WAITING = { error: 'busy', message: 'Too many messages wait for the backend' } as const

/** Messages on their way to being published: past the backend, where it wants to be asked (ASK-5). */
export class Submissions {
  readonly #host: RoomHost
  readonly #asks: boolean
  readonly #stage: SubmissionStage

  constructor(host: RoomHost, asks: boolean, stage: SubmissionStage) {
    this.#host = host
    this.#asks = asks
    this.#stage = stage
  }

  /** Those who come together are published together. Nobody is asked about what is known. */
  receive(by: { isBackend?: true }, line: MessageQuestion['line'], submissions: readonly Submission[]): void {
    // All of them or none.
    if (this.#stage.isBusy()) {
      for (const { replyTo } of submissions) this.#stage.answer(replyTo, BUSY)
      return
    }
    const asked: Submission[] = []
    for (const submission of submissions) {
      if (!this.#asks || by.isBackend) this.#stage.publish(submission)
      else if (isKnown(this.#host, submission)) repeat(this.#host, submission)
      else asked.push(submission)
    }
    if (asked.length === 0 || this.#host.ask({ hook: 'message', line, messages: asked })) return
    for (const { replyTo } of asked) this.#stage.answer(replyTo, WAITING)
  }

  /** The backend has answered. Whoever sent it may have gone meanwhile, but not been sent away for good. */
  judged({ messages }: MessageQuestion, judgements: readonly Judgement[]): void {
    messages.forEach((submission, i) => {
      this.#judged(submission, judgements[i] as Judgement)
    })
  }

  #judged(submission: Submission, judgement: Judgement): void {
    const { replyTo } = submission
    const no = this.#stage.notFor(submission)
    if (judgement.error !== undefined) this.#stage.answer(replyTo, judgement)
    else if (no !== undefined) this.#stage.answer(replyTo, { error: no.code, message: no.message })
    // It was sent twice at once, and the other has come first.
    else if (isKnown(this.#host, submission)) repeat(this.#host, submission)
    else this.#stage.publish(rewritten(submission, judgement.rewrite))
  }
}

export const isKnown = (host: RoomHost, { draft: { dedupe } }: Submission): boolean =>
  dedupe !== undefined && host.knows(dedupe.key)

/** Nobody may act twice on one message; the log finds the first cursor, or that the content differs. */
export const repeat = (host: RoomHost, { draft, replyTo }: Submission): void =>
  host.commit({ drafts: [], repeats: draft, ...(replyTo && { replyTo }) })

interface By {
  readonly user?: string
  readonly pass?: Pass
  readonly session?: string
  readonly traceparent?: string
}

/** `id`: if its sender chose none. */
export function toSubmission(by: By, publication: Publication, id: string, replyTo?: ReplyTo): Submission {
  const { user, pass, traceparent } = by
  const session = by.session === undefined ? null : { id: by.session, ...(user !== undefined && { user }) }
  const draft = {
    ...toDraft(publication, { session, user }, publication.id ?? id),
    ...(traceparent !== undefined && { traceparent }),
  }
  return {
    publication,
    draft,
    session,
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(replyTo && { replyTo: { ...replyTo, id: draft.id } }),
  }
}
