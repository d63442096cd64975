import { CURSOR_CHARACTERS } from '../../protocol/cursor.ts'
import type { HistoryPage } from '../../protocol/events.ts'
import { batchItemSchema, batchSchema, presenceSchema, publicationSchema } from '../../protocol/operations.ts'
import type { PresenceList, Present } from '../../protocol/presence.ts'
import { WEBHOOK_EVENTS } from '../../protocol/webhook.ts'
import type { Activity, Attached, Figures, Info, SessionInfo } from '../../room/info.ts'
import type { RoomList } from '../ports.ts'
import { revokeSchema } from '../revoke.ts'
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
import { eventSchemas } from './events.ts'

const cursor: Json = {
  type: 'string',
  pattern: CURSOR_CHARACTERS,
  description: 'Opaque: “I have seen up to here”. `0-0` is before everything.',
}

const advice: Json = {
  ...shape<{ wait: number; after: number }>({ wait: seconds, after: seconds }),
  description: 'Hold the next poll for `wait` seconds, start it `after` seconds from now.',
}

const kind = oneOf('websocket', 'poll', 'sse', 'tcp')

const cloudEvent = shape<{
  specversion: string
  id: string
  source: string
  type: string
  subject?: string
  traceparent?: string
  time: string
  datacontenttype: string
  data: object
}>({
  specversion: { const: '1.0' },
  id: string,
  source: string,
  type: oneOf(...WEBHOOK_EVENTS),
  subject: optional(string),
  traceparent: optional({ ...string, description: 'Of the request that published the message (TRACE-1).' }),
  time: { type: 'string', format: 'date-time' },
  datacontenttype: { const: 'application/json' },
  data: { type: 'object' },
})

const rate: Json = { type: 'number', minimum: 0, description: 'Messages a second in the last ten seconds or so.' }

/** Since `awakeSince`. */
const figures: { readonly [name in keyof Figures]: Json } = {
  messages: { ...count, description: 'Messages since then, ephemeral ones too.' },
  deliveries: { ...count, description: 'Messages for all who were live, times how many those were.' },
  rate,
  latency: {
    type: 'object',
    additionalProperties: count,
    description:
      'Of how many messages it took so many milliseconds from the publish to the sending, by the upper bound.',
  },
}

/** It names its items' schema, and does not repeat it. */
const batch: Json = {
  ...batchSchema.json,
  properties: {
    messages: { ...(batchSchema.json.properties as { messages: Json }).messages, items: ref('BatchItem') },
  },
}

/** The document's `components.schemas`: those that check requests, and those of the answers. */
export const schemas: Readonly<Record<string, Json>> = {
  Cursor: cursor,
  ...eventSchemas,
  Publication: publicationSchema.json,
  BatchItem: batchItemSchema.json,
  Batch: batch,
  PresenceState: presenceSchema.json,
  Revocation: revokeSchema.json,
  Problem: shape<{ type: string; title: string; status: number; detail: string; code: string }>({
    type: { type: 'string', format: 'uri' },
    title: string,
    status: count,
    detail: string,
    code: ref('ErrorCode'),
  }),
  Published: shape<{ id: string; cursor: string }>({ id: string, cursor: ref('Cursor') }),
  Duplicate: shape<{ id: string; cursor: string; duplicate: true }>({
    id: string,
    cursor: ref('Cursor'),
    duplicate: { const: true },
  }),
  Passed: shape<{ id: string }>({ id: string }),
  Refused: shape<{ code: string; message: string; retryAfter?: number }>({
    code: ref('ErrorCode'),
    message: string,
    retryAfter: optional(seconds),
  }),
  Poll: shape<{
    cursor: string
    head: string
    events: unknown
    session: string
    resume?: string
    advice: unknown
  }>({
    cursor: ref('Cursor'),
    head: ref('Cursor'),
    events: listOf(ref('Event')),
    session: string,
    resume: optional(string),
    advice,
  }),
  PollOfRooms: shape<{ cursor: string; events: unknown; rooms: unknown; resume?: string; advice: unknown }>({
    cursor: { type: 'string', description: 'The cursor of this list of rooms.' },
    events: listOf(ref('Event')),
    rooms: listOf(
      shape<{ room: string; session: string; cursor?: string; head?: string }>({
        room: string,
        session: string,
        cursor: optional(ref('Cursor')),
        head: optional(ref('Cursor')),
      }),
    ),
    resume: optional(string),
    advice,
  }),
  History: shape<HistoryPage>({
    messages: listOf(ref('Message')),
    next: ref('Cursor'),
    prev: orNull(ref('Cursor')),
    gap: optional(ref('Gap')),
  }),
  Info: shape<Info>({
    room: string,
    cursor: ref('Cursor'),
    sessions: count,
    connections: shape<Info['connections']>({ websocket: count, poll: count, sse: count, tcp: count }),
    awakeSince: milliseconds,
    ...figures,
  }),
  Room: shape<Activity>({ room: string, rate, connections: count, sessions: count, awakeSince: orNull(milliseconds) }),
  Rooms: shape<RoomList>({
    rooms: listOf(ref('Room')),
    next: orNull(string),
    listed: { type: 'boolean', description: '`false` on the edge, where rooms know nothing of each other.' },
  }),
  Member: shape<Present>({ session: string, user: optional(string), state: optional({}) }),
  Presence: shape<PresenceList>({ count, members: listOf(ref('Member')), rev: string }),
  Session: shape<SessionInfo>({
    session: string,
    user: optional(string),
    state: optional({}),
    present: boolean,
    connections: listOf(kind),
    attached: listOf(ref('Attached')),
    endsAt: optional(milliseconds),
  }),
  Attached: shape<Attached>({
    kind,
    since: milliseconds,
    queue: { ...count, description: 'Bytes that it is owed, as far as that can be seen.' },
    lag: { ...count, description: 'Messages that it has yet to be sent.' },
  }),
  Sessions: shape<{ sessions: unknown; next: unknown }>({ sessions: listOf(ref('Session')), next: orNull(string) }),
  CloudEvent: cloudEvent,
  DeadLetters: shape<{ dead: unknown; next: unknown }>({
    dead: listOf(
      shape<{ id: string; count: number; reason: string; died: number; events: unknown }>({
        id: string,
        count,
        reason: string,
        died: milliseconds,
        events: listOf(ref('CloudEvent')),
      }),
    ),
    next: orNull(string),
  }),
  Resent: shape<{ resent: number }>({ resent: count }),
  Status: shape<{ status: string }>({ status: { const: 'ok' } }),
  Nothing: { type: 'object' },
}
