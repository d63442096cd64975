import { CURSOR_CHARACTERS, parseCursor } from '../protocol/cursor.ts'
import { LIMITS } from '../protocol/limits.ts'
import { PATTERNS } from '../protocol/names.ts'
import { integer, nameOf, type Schema, text } from '../protocol/schema.ts'
import { readTraceparent } from '../protocol/trace.ts'

/** The query or the headers of a request; of a name that stands more than once, the first counts. */
export type Query = (name: string) => string | undefined

/** What a request says beside its path and body: one description reads it, checks it and documents it. */
export interface Parameter<T = unknown> {
  readonly name: string
  readonly in: 'query' | 'header'
  /** Markdown. */
  readonly says: string
  readonly json: Schema<T>['json']
  readonly isRequired: boolean
  /** @throws Refusal `bad_request`, `bad_cursor` */
  read(query: Query): T | undefined
}

const WHOLE = /^\d{1,9}$/

function parameter<T>(
  name: string,
  schema: Schema<T>,
  says: string,
  parse: (text: string) => unknown = (text) => text,
): Parameter<T> {
  return {
    name,
    in: 'query',
    says,
    json: schema.json,
    isRequired: false,
    read(query) {
      const value = query(name)
      return value === undefined ? undefined : schema.check(parse(value), name)
    },
  }
}

const toNumber = (value: string): number => (WHOLE.test(value) ? Number(value) : Number.NaN)

const whole = (name: string, min: number, max: number, says: string): Parameter<number> =>
  parameter(name, integer(min, max), says, toNumber)

/** Where more than the most is no mistake, but as much as there is. */
function atMost(name: string, most: number, says: string): Parameter<number> {
  const any = integer(0, 999_999_999)
  const schema = {
    check: (value: unknown, path: string) => Math.min(any.check(value, path), most),
    json: { type: 'integer', minimum: 0 },
  }
  return parameter(name, schema, `${says} More counts as ${most}.`, toNumber)
}

const place: Schema<string> = {
  check(value) {
    parseCursor(value as string)
    return value as string
  },
  json: { type: 'string', pattern: CURSOR_CHARACTERS },
}

export const cursor = parameter('cursor', place, 'What you have seen up to. Absent: from now.')
export const rewind = atMost('rewind', LIMITS.rewind, 'Start so many messages back. With `cursor` it is ignored.')
export const wait = atMost('wait', LIMITS.waitMost, 'Seconds to be held. Default: 25 on Node, 55 on the edge.')
export const resume = parameter(
  'resume',
  text({ pattern: PATTERNS.secret, says: '22 to 128 of A-Z a-z 0-9 _ -' }),
  'The secret of your session, told by the gateway or chosen by you: 22 to 128 of `A-Z a-z 0-9 _ -`.',
)
export const presence = parameter(
  'presence',
  text({ pattern: '^([01]|[rc][0-9a-z]{1,11})$', says: '1, or the rev that you know' }),
  '`1`, or the `rev` that you know: be present, and hear of presence.',
)
export const lastEventId: Parameter<string> = {
  ...parameter('Last-Event-ID', place, 'A cursor. It beats `cursor` and `rewind`.'),
  in: 'header',
}
export const idempotencyKey: Parameter<string> = {
  ...parameter(
    'Idempotency-Key',
    text({ pattern: PATTERNS.id, says: '1 to 128 printable ASCII characters without the space' }),
    'The same as `id`; where both stand they must agree.',
  ),
  in: 'header',
}

export const traceparent: Parameter<string> = {
  ...parameter(
    'traceparent',
    text({ says: 'a trace context' }),
    'A W3C trace context: the backend hears it with the message (TRACE-1).',
  ),
  in: 'header',
  read: (query) => readTraceparent(query('traceparent')),
}

export const after = parameter('after', place, 'A cursor: the messages after it.')
export const before = parameter('before', place, 'A cursor: the last messages before it.')
export const limit = whole('limit', 1, LIMITS.historyMost, `How many at most. Default ${LIMITS.historyDefault}.`)
export const afterId = parameter('after', text({ says: 'an id' }), 'The `next` of the page before.')
export const afterRoom = parameter('after', text({ says: 'a room' }), 'The `next` of the page before (`order=name`).')
export const order = parameter(
  'order',
  text({ pattern: '^(activity|name)$', says: 'activity or name' }),
  '`activity`: those in memory, the most active first (default). `name`: all of them, in pages.',
)
export const deadLimit = whole('limit', 1, LIMITS.deadMost, `How many at most. Default ${LIMITS.deadDefault}.`)

/** Of several rooms; read as a whole by those who know the list. */
const ofRooms = (name: string, pattern: string, says: string): Parameter<string> =>
  parameter(name, nameOf('a text', pattern), says)

export const rooms: Parameter<string> = {
  ...ofRooms('rooms', '', `1 to ${LIMITS.rooms} rooms (HOLDLINE_ROOMS_PER_CONNECTION), joined by commas, none twice.`),
  json: {
    type: 'array',
    items: { type: 'string', pattern: PATTERNS.room },
    minItems: 1,
    maxItems: LIMITS.roomsMost,
    uniqueItems: true,
  },
  isRequired: true,
}
export const cursors = ofRooms('cursor', '^[a-z0-9.-]+$', 'The cursor of this list of rooms. Absent: from now.')
export const presences = ofRooms(
  'presence',
  '^([01]|([rc][0-9a-z]{1,11})?(\\.([rc][0-9a-z]{1,11})?)*)$',
  '`1` for all of them, or the rev of each that you know, joined by dots.',
)
