import type { Position } from './cursor.ts'
import { CURSOR_CHARACTERS, parseCursor } from './cursor.ts'
import { type Body, base64Body, jsonBody, jsonText } from './data.ts'
import { Refusal } from './errors.ts'
import { elementTexts, memberText, parseJson } from './json.ts'
import { LIMITS } from './limits.ts'
import { PATTERNS } from './names.ts'
import {
  anything,
  boolean,
  either,
  type Infer,
  integer,
  later,
  list,
  nameOf,
  needing,
  object,
  type Schema,
  text,
} from './schema.ts'

export type Ref = string | number

/** Who gets a message (PUB-8). Logged with it, so that one cursor covers live delivery, resume, poll and history. */
export interface Audience {
  readonly to?: { readonly sessions?: readonly string[]; readonly users?: readonly string[] }
  readonly except?: readonly string[]
}

/** What somebody asks to be published. */
export interface Publication {
  readonly id?: string
  readonly event?: string
  readonly body: Body
  readonly to?: Audience['to']
  readonly except?: readonly string[]
  readonly echo: boolean
  readonly ephemeral: boolean
}

export interface HistoryQuery {
  readonly after?: Position
  readonly before?: Position
  readonly limit: number
}

export type Operation =
  | { readonly op: 'publish'; readonly ref?: Ref; readonly publication: Publication }
  | { readonly op: 'history'; readonly ref?: Ref; readonly query: HistoryQuery }
  | { readonly op: 'presence'; readonly ref?: Ref; readonly state: string | null }
  | { readonly op: 'auth'; readonly ref?: Ref; readonly token: string }
  | { readonly op: 'probe'; readonly ref?: Ref; readonly n: number }
  | { readonly op: 'ping'; readonly ref?: Ref }

const session = text({ pattern: PATTERNS.session, says: 'a session id' })
const user = text({ max: 128, says: 'a user id of at most 128 characters' })
export const cursor = nameOf('a cursor', CURSOR_CHARACTERS)
export const room = nameOf('a room name', PATTERNS.room)
export const op = text({ max: 32, says: 'the name of an operation' })
export const ref = either(
  text({ max: 64, says: '' }),
  integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  'a string of at most 64 characters, or an integer',
)

/** What a message is made of, field by field. */
export const publicationFields = {
  id: text({ pattern: PATTERNS.id, says: '1 to 128 printable ASCII characters without the space' }),
  event: text({ pattern: PATTERNS.event, says: '1 to 64 of A-Z a-z 0-9 _ . : -' }),
  data: anything,
  bytes: text({ says: 'base64' }),
  to: needing(
    object({ sessions: list(session, LIMITS.audience), users: list(user, LIMITS.audience) }),
    'anyOf',
    ['sessions', 'users'],
    '`to` names `sessions` or `users`',
  ),
  except: list(session, LIMITS.audience),
  echo: boolean,
  ephemeral: boolean,
}

/** Something with the members of a message, of which it has either `data` or `bytes`. */
const message = <T extends { readonly data?: unknown; readonly bytes?: string }>(schema: Schema<T>): Schema<T> =>
  needing(schema, 'oneOf', ['data', 'bytes'], 'A message has either `data` or `bytes`')

/** The body of `POST …/messages` as JSON (PUB-1). */
export const publicationSchema = message(object(publicationFields))

/** One item of `POST /v1/publish` (BATCH-1). */
export const batchItemSchema = message(object({ room, ...publicationFields }, ['room']))

/** The body of `POST /v1/publish`, whose items stand or fall each by itself. */
export const batchSchema = object({ messages: list(later(batchItemSchema), LIMITS.batch, 1) }, ['messages'])

/** The body of `PUT …/presence`; `null` is no state. */
export const presenceSchema = object({ state: anything }, ['state'])

/** One schema per operation: what is checked, and what the documents say. */
export const operationSchemas = {
  publish: message(object({ op, ref, ...publicationFields })),
  history: object({ op, ref, after: cursor, before: cursor, limit: integer(1, LIMITS.historyMost) }),
  presence: object({ op, ref, state: anything }, ['state']),
  auth: object({ op, ref, token: text({ max: 8192, says: 'a token' }) }, ['token']),
  probe: object({ op, ref, n: integer(0, Number.MAX_SAFE_INTEGER) }, ['n']),
  ping: object({ op, ref }),
} satisfies Record<Operation['op'], Schema<unknown>>

/** An operation, or why it is refused; with the `ref` of either, where one could be read. */
export type Parsed = Operation | { readonly op?: never; readonly ref?: Ref; readonly refusal: Refusal }

/**
 * Reads one WebSocket message of a framed connection (WS-1): an array of operations, or a bare one.
 * Each operation stands or falls by itself.
 * @throws Refusal `bad_request` when the message as a whole cannot be read
 */
export function parseOperations(source: string, payloadLimit: number): Parsed[] {
  const value = parseJson(source)
  if (!Array.isArray(value)) return [parseOperation(value, source, payloadLimit)]
  if (value.length > LIMITS.operations) {
    throw new Refusal('bad_request', `One array holds at most ${LIMITS.operations} operations`)
  }
  const texts = elementTexts(source)
  return value.map((each, i) => parseOperation(each, texts[i] as string, payloadLimit))
}

function parseOperation(value: unknown, source: string, payloadLimit: number): Parsed {
  let known: Ref | undefined
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Refusal('bad_request', 'An operation is an object with `op`')
    }
    if ('ref' in value) known = ref.check(value.ref, 'ref')
    const name = 'op' in value ? op.check(value.op, 'op') : ''
    return { ...(known !== undefined && { ref: known }), ...readOperation(name, value, source, payloadLimit) }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return { ...(known !== undefined && { ref: known }), refusal }
  }
}

function readOperation(name: string, value: object, source: string, payloadLimit: number): Operation {
  switch (name) {
    case 'publish':
      return { op: name, publication: toPublication(operationSchemas.publish.check(value, name), source, payloadLimit) }
    case 'history':
      return { op: name, query: toHistoryQuery(operationSchemas.history.check(value, name)) }
    case 'presence':
      operationSchemas.presence.check(value, name)
      return { op: name, state: presenceState(source) }
    case 'auth':
      return { op: name, token: operationSchemas.auth.check(value, name).token }
    case 'probe':
      return { op: name, n: operationSchemas.probe.check(value, name).n }
    case 'ping':
      operationSchemas.ping.check(value, name)
      return { op: name }
    default:
      throw new Refusal('unknown_op', name ? `There is no operation \`${name}\`` : 'An operation needs `op`')
  }
}

/**
 * Reads the JSON body of `POST …/messages` (PUB-1).
 * @throws Refusal `bad_request`, `unknown_field`, `not_unicode`, `too_large`
 */
export function parsePublication(source: string, payloadLimit: number): Publication {
  return toPublication(publicationSchema.check(parseJson(source), 'body'), source, payloadLimit)
}

/**
 * The state that a `presence` operation or `PUT …/presence` sets: its JSON text, or null to have none (PRES-2). How
 * large it may be is the room's to know.
 * @throws Refusal `bad_request`, `unknown_field`, `not_unicode`
 */
export function parsePresence(source: string): string | null {
  presenceSchema.check(parseJson(source), 'body')
  return presenceState(source)
}

function presenceState(source: string): string | null {
  const state = memberText(source, 'state') as string
  return state === 'null' ? null : jsonText(state)
}

/** @throws Refusal `bad_request`, `unknown_field`, `not_unicode`, `too_large` */
export function parseBatchItem(source: string, payloadLimit: number): { room: string; publication: Publication } {
  const fields = batchItemSchema.check(parseJson(source), 'message')
  return { room: fields.room, publication: toPublication(fields, source, payloadLimit) }
}

function toPublication(fields: Infer<typeof publicationSchema>, source: string, payloadLimit: number): Publication {
  const { id, event, to, except, bytes, echo = true, ephemeral = false } = fields
  const body =
    bytes === undefined ? jsonBody(memberText(source, 'data') as string, payloadLimit) : base64Body(bytes, payloadLimit)
  return {
    ...(id !== undefined && { id }),
    ...(event !== undefined && { event }),
    ...(to !== undefined && { to }),
    ...(except !== undefined && { except }),
    body,
    echo,
    ephemeral,
  }
}

export function toHistoryQuery(fields: { after?: string; before?: string; limit?: number }): HistoryQuery {
  return {
    ...(fields.after !== undefined && { after: parseCursor(fields.after) }),
    ...(fields.before !== undefined && { before: parseCursor(fields.before) }),
    limit: fields.limit ?? LIMITS.historyDefault,
  }
}
