import type { Judgement } from '../protocol/ask.ts'
import type { Pass } from '../protocol/capabilities.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Publication } from '../protocol/operations.ts'
import type { Answers } from './answers.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { rewritten, toDraft } from './incoming.ts'
import type { ReplyTo, RoomHost, Work } from './ports.ts'
import type { MessageQuestion, Submission } from './questions.ts'

export interface SubmissionParts {
  readonly host: RoomHost
  readonly doorkeeper: Doorkeeper
  readonly answers: Answers
  /** Does the backend want to be asked? */
  readonly asks: boolean
  /** Does the application do something of its own about a message? */
  readonly acts: boolean
  publish(submission: Submission): void
}

/** A message and whom to tell what became of it. */
export interface Submitted {
  readonly publication: Publication
  readonly replyTo?: ReplyTo
}

export const BUSY = { error: 'busy', message: 'The room has more to commit than it can' } as const
const WAITING = { error: 'busy', message: 'Too many messages wait for the backend' } as const

/** Messages on their way to being published: past the backend, where it wants to be asked (ASK-5). */
export class Submissions {
  readonly #parts: SubmissionParts

  constructor(parts: SubmissionParts) {
    this.#parts = parts
  }

  /** Those who come together are published together. Nobody is asked about what is known, and nobody acts on it again. */
  receive(by: By, line: MessageQuestion['line'], submitted: readonly Submitted[]): void {
    const { host, answers, acts, publish } = this.#parts
    const asks = this.#parts.asks && !by.isBackend
    const submissions = submitted.map((each) => toSubmission(by, each, () => host.randomId()))
    // All of them or none.
    if (isBusy(host)) {
      for (const { replyTo } of submissions) answers.tell(replyTo, BUSY)
      return
    }
    const asked: Submission[] = []
    for (const submission of submissions) {
      if ((asks || acts) && isKnown(host, submission)) repeat(host, submission)
      else if (asks) asked.push(submission)
      else publish(submission)
    }
    if (asked.length === 0 || host.ask({ hook: 'message', line, messages: asked })) return
    for (const { replyTo } of asked) answers.tell(replyTo, WAITING)
  }

  /** The backend has answered. Whoever sent it may have gone meanwhile, but not been sent away for good. */
  judged({ messages }: MessageQuestion, judgements: readonly Judgement[]): void {
    messages.forEach((submission, i) => {
      this.#judged(submission, judgements[i] as Judgement)
    })
  }

  #judged(submission: Submission, judgement: Judgement): void {
    const { host, doorkeeper, answers, publish } = this.#parts
    const { replyTo, session } = submission
    const no = doorkeeper.notFor(submission, session?.id, host.now())
    if (judgement.error !== undefined) answers.tell(replyTo, judgement)
    else if (no !== undefined) answers.tell(replyTo, no)
    // It was sent twice at once, and the other has come first.
    else if (isKnown(host, submission)) repeat(host, submission)
    else publish(rewritten(submission, judgement.rewrite))
  }
}

export const isBusy = (host: RoomHost): boolean => host.backlog() > LIMITS.waiting

const isKnown = (host: RoomHost, { draft: { dedupe } }: Submission): boolean =>
  dedupe !== undefined && host.knows(dedupe.key)

/** Nobody may act twice on one message; the log finds the first cursor, or that the content differs. */
const repeat = (host: RoomHost, { draft, replyTo }: Submission): void =>
  host.commit({ drafts: [], repeats: draft, ...withOthers(replyTo), ...(replyTo && { replyTo }) })

/** An item of a batch is written with the one before it (BATCH-2). */
export const withOthers = (replyTo: ReplyTo | undefined): Pick<Work, 'withPrevious'> =>
  replyTo !== undefined && 'index' in replyTo && replyTo.index !== 0 ? { withPrevious: true } : {}

interface By {
  readonly user?: string
  readonly pass?: Pass
  readonly isBackend?: true
  readonly session?: string
  readonly traceparent?: string
}

function toSubmission(by: By, { publication, replyTo }: Submitted, randomId: () => string): Submission {
  const { user, pass, traceparent } = by
  const session = by.session === undefined ? null : { id: by.session, ...(user !== undefined && { user }) }
  const draft = {
    ...toDraft(publication, { session, user }, publication.id ?? randomId()),
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
