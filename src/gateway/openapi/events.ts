import { CLOSE } from '../../protocol/codes.ts'
import { ERRORS } from '../../protocol/errors.ts'
import type { Gap, Welcome } from '../../protocol/events.ts'
import { operationSchemas, room as roomSchema } from '../../protocol/operations.ts'
import type { Schema } from '../../protocol/schema.ts'
import { multiSchemas } from '../multi/operations.ts'
import {
  boolean,
  count,
  type Json,
  listOf,
  milliseconds,
  oneOf,
  optional,
  orNull,
  ref,
  seconds,
  shape,
  string,
} from './describe.ts'

const refField: Json = { type: ['string', 'integer'] }
const room = optional({ type: 'string', description: 'On a connection that follows several rooms.' })

/** The events of a framed connection, a poll or a stream, each with its type and, among several rooms, its room. */
const event = <T extends object>(type: string, fields: Parameters<typeof shape<T>>[0]): Json =>
  shape<{ type: string; room?: string }>({ type: { const: type }, room, ...fields } as never)

interface Message {
  cursor?: string
  id: string
  from?: string
  user?: string
  event?: string
  data?: unknown
  bytes?: string
  time: number
}

const message: Json = {
  ...event<Message>('message', {
    cursor: optional(ref('Cursor')),
    id: string,
    from: optional({ type: 'string', description: 'The session that published it.' }),
    user: optional(string),
    event: optional(string),
    data: optional({}),
    bytes: optional({ type: 'string', contentEncoding: 'base64' }),
    time: milliseconds,
  }),
  oneOf: [{ required: ['data'] }, { required: ['bytes'] }],
}

const presence = event<{
  action: string
  rev: string
  session?: string
  user?: string
  state?: unknown
  count?: number
  members?: unknown[]
}>('presence', {
  action: oneOf('join', 'update', 'leave', 'count', 'sync'),
  rev: string,
  session: optional(string),
  user: optional(string),
  state: optional({}),
  count: optional(count),
  members: optional(listOf(ref('Member'))),
})

const gapFields = {
  after: ref('Cursor'),
  before: ref('Cursor'),
  reason: oneOf('retention', 'epoch', 'rolled-back', 'forbidden'),
}

/** What the server says, by event type. */
const events: Readonly<Record<string, Json>> = {
  welcome: event<Omit<Welcome, 'room'> & { ref?: unknown }>('welcome', {
    ref: optional(refField),
    session: string,
    resume: optional({ type: 'string', description: 'The secret, if the gateway made it.' }),
    cursor: ref('Cursor'),
    head: ref('Cursor'),
    recovered: boolean,
    heartbeat: seconds,
  }),
  message: ref('Message'),
  presence,
  cursor: event<{ cursor: string }>('cursor', { cursor: ref('Cursor') }),
  ack: event<{ ref?: unknown; cursor?: string; id?: string; duplicate?: true }>('ack', {
    ref: optional(refField),
    cursor: optional(ref('Cursor')),
    id: optional(string),
    duplicate: optional({ const: true }),
  }),
  history: event<{ ref?: unknown; messages: unknown; next: string; prev: string | null; gap?: Gap }>('history', {
    ref: optional(refField),
    messages: listOf(ref('Message')),
    next: ref('Cursor'),
    prev: orNull(ref('Cursor')),
    gap: optional(ref('Gap')),
  }),
  error: event<{ ref?: unknown; code: string; message: string; retryAfter?: number }>('error', {
    ref: optional(refField),
    code: ref('ErrorCode'),
    message: string,
    retryAfter: optional(seconds),
  }),
  gap: event<Gap>('gap', gapFields),
  probe: event<{ n: number }>('probe', { n: count }),
  pong: event('pong', {}),
  left: event<{ ref?: unknown; code?: number; reason?: string; retryAfter?: number }>('left', {
    ref: optional(refField),
    code: optional(oneOf(...Object.values(CLOSE))),
    reason: optional(string),
    retryAfter: optional(seconds),
  }),
  closing: event<{ code: number; reason: string; retryAfter?: number }>('closing', {
    code: oneOf(...Object.values(CLOSE)),
    reason: string,
    retryAfter: optional(seconds),
  }),
}

const operation = ([name, { json }]: [string, Pick<Schema<unknown>, 'json'>], ofRoom: boolean): Json => {
  const { properties, required = [], ...rest } = json as { properties: object; required?: readonly string[] }
  const named = ofRoom ? ['room'] : []
  return {
    ...rest,
    properties: { op: { const: name }, ...(ofRoom && { room: roomSchema.json }), ...without(properties, 'op') },
    required: ['op', ...named, ...required],
  }
}

const without = (fields: object, name: string): object =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name))

/** On a connection that follows several rooms: its own operations, and those of a room, which name it (MULTI-6). */
const operationsOfRooms = [
  ...Object.entries(multiSchemas).map((each) => operation(each, ['join', 'leave'].includes(each[0]))),
  ...Object.entries(operationSchemas)
    .filter(([name]) => !Object.hasOwn(multiSchemas, name))
    .map((each) => operation(each, true)),
]

/** What goes over held lines. */
export const eventSchemas: Readonly<Record<string, Json>> = {
  Message: message,
  Gap: shape<Gap>(gapFields),
  Event: { anyOf: Object.values(events) },
  Operation: { anyOf: Object.entries(operationSchemas).map((each) => operation(each, false)) },
  OperationOfRooms: { anyOf: operationsOfRooms },
  ErrorCode: oneOf(...Object.keys(ERRORS)),
}
