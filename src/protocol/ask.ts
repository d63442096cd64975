import { CAPABILITIES, type Capability, type Granted, isCapability } from './capabilities.ts'
import { type Body, base64Body, jsonBody, jsonText, utf8Length } from './data.ts'
import { Refusal } from './errors.ts'
import { memberText, parseJson } from './json.ts'
import { type Publication, publicationFields } from './operations.ts'
import { anything, integer, list, object, type Schema, text } from './schema.ts'

/** Who comes, as the backend is asked (ASK-1). */
export interface Visitor {
  readonly room: string
  readonly kind: string
  readonly user?: string
  readonly token?: string
  /** What of the request tells the backend who it is. */
  readonly headers: Readonly<Record<string, string>>
}

/** What the backend makes of a visitor. */
export type Welcome =
  /** `state`: JSON text. */
  | { readonly user?: string; readonly state?: string; readonly granted?: Granted; readonly refused?: never }
  /** For good (`forbidden`), or for now. */
  | { readonly refused: string; readonly code: 'forbidden' | 'backend' | 'busy' }

/** What the backend makes of a message (ASK-5). */
export type Judgement =
  | { readonly rewrite: Rewrite; readonly error?: never }
  | { readonly error: 'forbidden' | 'backend' | 'busy'; readonly message: string }

/** What of a message is another now; nothing: it stays as it is. */
export type Rewrite = Partial<Pick<Publication, 'event' | 'to' | 'except'> & { readonly body: Body }>

/** Seconds that grants hold if the backend does not say. */
const LIFETIME = 3600
const LIFETIME_MOST = 86_400
/** Characters of a refusal that reach the client. */
const REASON_MOST = 500

const refuse: Schema<string | boolean> = {
  check(value, path) {
    if (typeof value === 'string' || typeof value === 'boolean') return value
    throw new Refusal('bad_request', `\`${path}\` must be a text, true or false`)
  },
  json: { type: ['string', 'boolean'] },
}

const capability: Schema<Capability> = {
  check(value, path) {
    if (isCapability(value)) return value
    throw new Refusal('bad_request', `\`${path}\` must be of ${CAPABILITIES.join(', ')}`)
  },
  json: { enum: CAPABILITIES },
}

const welcomeSchema = object({
  refuse,
  user: text({ pattern: '^[^]{1,128}$', says: 'a text of 1 to 128 characters' }),
  state: anything,
  grants: list(capability, CAPABILITIES.length),
  lifetime: integer(1, LIFETIME_MOST),
})

const { data, bytes, event, to, except } = publicationFields
const judgementSchema = object({ refuse, data, bytes, event, to, except })

/** Reads what a backend answers about a visitor; `now`: ms, `stateLimit`: bytes. @throws Refusal: it is no answer, and lets nobody in */
export function readWelcome(source: string, now: number, stateLimit: number): Welcome {
  const fields = welcomeSchema.check(parseJson(source), 'answer')
  const { user, grants, lifetime } = fields
  if (fields.refuse) return { refused: reasonOf(fields.refuse), code: 'forbidden' }
  if (user?.isWellFormed() === false) throw new Refusal('not_unicode', 'The user must be Unicode')
  const state = 'state' in fields && fields.state !== null ? memberText(source, 'state') : undefined
  if (state !== undefined && utf8Length(state) > stateLimit) {
    throw new Refusal('too_large', `A presence state is at most ${stateLimit} bytes`)
  }
  return {
    ...(user !== undefined && { user }),
    ...(state !== undefined && { state: jsonText(state) }),
    ...((grants !== undefined || lifetime !== undefined) && {
      granted: { grants: grants ?? CAPABILITIES, issuedAt: now, expiresAt: now + (lifetime ?? LIFETIME) * 1000 },
    }),
  }
}

/** Reads what a backend answers about a message. @throws Refusal: it is no answer, as if none had come */
export function readJudgement(source: string, payloadLimit: number): Judgement {
  const fields = judgementSchema.check(parseJson(source), 'answer')
  if (fields.refuse) return { error: 'forbidden', message: reasonOf(fields.refuse) }
  if ('data' in fields && fields.bytes !== undefined) {
    throw new Refusal('bad_request', 'A message has either `data` or `bytes`')
  }
  const body =
    'data' in fields
      ? jsonBody(memberText(source, 'data') as string, payloadLimit)
      : fields.bytes !== undefined && base64Body(fields.bytes, payloadLimit)
  return {
    rewrite: {
      ...(body && { body }),
      ...(fields.event !== undefined && { event: fields.event }),
      ...(fields.to !== undefined && { to: fields.to }),
      ...(fields.except !== undefined && { except: fields.except }),
    },
  }
}

export const REFUSED = 'The backend refused it'

function reasonOf(refused: string | true): string {
  return typeof refused === 'string' && refused !== '' ? refused.slice(0, REASON_MOST).toWellFormed() : REFUSED
}
