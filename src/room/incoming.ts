import type { Rewrite } from '../protocol/ask.ts'
import { type Body, bytesBody, fromBase64, jsonBody, textBody } from '../protocol/data.ts'
import { fingerprint, type MessageDraft } from '../protocol/entry.ts'
import { Refusal } from '../protocol/errors.ts'
import { type Audience, type Parsed, type Publication, parseOperations } from '../protocol/operations.ts'
import type { Submission } from './questions.ts'
import type { Session } from './sessions.ts'

/** What a participant sent, as `onMessage` sees it. */
export class Incoming {
  readonly id: string
  readonly event: string | undefined
  /** What it would be in the log. */
  readonly draft: MessageDraft
  readonly #member: string

  constructor(publication: Publication, draft: MessageDraft) {
    this.id = draft.id
    this.event = publication.event
    this.draft = draft
    this.#member = publication.body.member
  }

  /** The JSON value; undefined for bytes. Parsed anew at each access, since few callbacks need it. */
  get data(): unknown {
    return (JSON.parse(`{${this.#member}}`) as { data?: unknown }).data
  }

  get bytes(): Uint8Array | undefined {
    const { bytes } = JSON.parse(`{${this.#member}}`) as { bytes?: string }
    return bytes === undefined ? undefined : fromBase64(bytes)
  }
}

/** What applications send: a JSON value, or bytes. @throws Refusal `too_large`, `not_unicode`; TypeError if it is neither */
export function toBody(data: unknown, payloadLimit: number): Body {
  if (data instanceof Uint8Array) return bytesBody(data, payloadLimit)
  const json = JSON.stringify(data)
  if (json === undefined) throw new TypeError('Only JSON values and bytes can be sent')
  return jsonBody(json, payloadLimit)
}

/** What a message of a plain connection publishes (PLAIN-1). @throws Refusal `too_large`, `not_unicode` */
export function plainPublication(data: string | Uint8Array, payloadLimit: number): Publication {
  const body = typeof data === 'string' ? textBody(data, payloadLimit) : bytesBody(data, payloadLimit)
  return { body, echo: false, ephemeral: false }
}

/** What a message of a framed connection asks for; one that cannot be read at all asks for a refusal. */
export function readOperations(data: string | Uint8Array, payloadLimit: number): Parsed[] {
  try {
    if (typeof data !== 'string') throw new Refusal('bad_request', 'Operations are sent as text')
    return parseOperations(data, payloadLimit)
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return [{ refusal }]
  }
}

/** What a publication by that session, or by a user without one, would be in the log. */
export function toDraft(
  publication: Publication,
  { session, user }: Pick<Submission, 'session'> & { readonly user?: string | undefined },
  id: string,
): MessageDraft {
  const { body, event, ephemeral, to, except = [], echo } = publication
  const audience = toAudience(to, echo || session === null ? except : [...except, session.id])
  return {
    id,
    body,
    ephemeral,
    ...(session !== null && { from: session.id, ...(session.user !== undefined && { user: session.user }) }),
    ...(event !== undefined && { event }),
    ...(audience !== undefined && { audience }),
    ...(publication.id !== undefined && {
      dedupe: {
        key: `${publisher(session, user)} ${publication.id}`,
        fingerprint: fingerprint(JSON.stringify(asSent(publication))),
      },
    }),
  }
}

/** What is compared. `echo` as it was said: which session it excepts differs from one session of a user to another. */
const asSent = ({ body, event, ephemeral, to, except = [], echo }: Publication): readonly unknown[] => [
  body.member,
  event,
  ephemeral,
  toAudience(to, except),
  ...(echo ? [] : [{ echo }]),
]

/** As the backend wants it. It is known by what the client sent: a repeat of that is no other message (ASK-6). */
export function rewritten(submission: Submission, rewrite: Rewrite): Submission {
  const { draft } = submission
  const publication = { ...submission.publication, ...rewrite }
  const { dedupe: _, ...changed } = toDraft(publication, submission, draft.id)
  return { ...submission, publication, draft: { ...changed, ...sameRequest(draft) } }
}

/** What a draft that takes the place of another keeps of it: both came of one request. */
export const sameRequest = ({ dedupe, traceparent }: MessageDraft): Partial<MessageDraft> => ({
  ...(dedupe && { dedupe }),
  ...(traceparent !== undefined && { traceparent }),
})

/** In whose name an id is unique (PUB-5). The user comes before the session: one person may come from two devices. */
function publisher(session: Session | null, user: string | undefined): string {
  if (user !== undefined) return `user:${user}`
  return session === null ? 'backend' : `session:${session.id}`
}

/** Everybody, if it names nobody. */
const toAudience = (to: Audience['to'], except: readonly string[]): Audience | undefined =>
  to === undefined && except.length === 0
    ? undefined
    : { ...(to !== undefined && { to }), ...(except.length > 0 && { except }) }
