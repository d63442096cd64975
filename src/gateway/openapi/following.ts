import { cursor, cursors, lastEventId, presence, presences, resume, rewind, rooms, wait } from '../parameters.ts'
import { type Answer, type Example, type Family, ref } from './describe.ts'
import { CURSOR, MESSAGE, SECRET, SESSION, SESSION_IN_NEWS } from './values.ts'

const stream = (more: string): Readonly<Record<number, Answer>> => ({
  200: {
    says: `The stream: one block per event, \`event:\` its type (left out for \`message\`), \`data:\` its JSON. ${more}`,
    type: 'text/event-stream',
    schema: { type: 'string' },
    headers: { 'Cache-Control': { const: 'no-store' }, 'X-Accel-Buffering': { const: 'no' } },
  },
})

const switched: Readonly<Record<number, Answer>> = {
  101: {
    says: 'The WebSocket is open. Any other refusal than those below is a close, since a browser cannot read a refused handshake.',
    headers: { Upgrade: { type: 'string', pattern: '^[Ww]eb[Ss]ocket$' } },
  },
}

const welcome = {
  type: 'welcome',
  room: 'lobby',
  session: SESSION,
  cursor: '0-0',
  head: CURSOR,
  recovered: true,
  heartbeat: 25,
}

const block = (event: { type: string; cursor?: string }): string =>
  `id: ${event.cursor}\n${event.type === 'message' ? '' : `event: ${event.type}\n`}data: ${JSON.stringify(event)}\n\n`

const polled = (answer: object): { status: number; answer: object } => ({
  status: 200,
  answer: { ...answer, advice: { wait: 25, after: 0 } },
})

const now = (answer: object): Example => ({ says: 'Where to start from', ...polled(answer) })

const list = ['lobby', 'news']
const refusals = ['bad_request', 'bad_cursor', 'rate', 'room_full'] as const
const pollRefusals = [...refusals, 'draining'] as const

export const following: Family = {
  name: 'Follow',
  says: 'The same events, in the same order, over WebSocket, long-poll and Server-Sent Events. A cursor taken on one resumes on any other. Rules: FOLLOW-1 to FOLLOW-8.',
  routes: {
    'GET /v1/rooms/:room/ws': {
      id: 'followByWebSocket',
      says: 'Follow a room by WebSocket',
      more: 'Subprotocol `holdline.v1`: the server sends arrays of `Event`, the client arrays of `Operation`. No subprotocol, or `holdline.plain`: each message is what somebody sent. Rules: WS-1 to WS-11, PLAIN-1 to PLAIN-3.',
      access: 'token',
      parameters: [cursor, rewind, resume, presence],
      answers: switched,
      refusals: ['bad_request', 'upgrade_required', 'unknown_protocol'],
      examples: { resumed: { says: 'From the beginning', with: { cursor: '0-0', resume: SECRET }, status: 101 } },
    },
    'GET /v1/rooms/:room/poll': {
      id: 'followByPoll',
      says: 'Follow a room by long-poll',
      more: 'Without a cursor it answers at once, with the cursor to start from; with one, as soon as anything stands after it. Rules: POLL-1 to POLL-5.',
      access: 'token',
      parameters: [cursor, rewind, wait, resume, presence],
      answers: { 200: { says: 'What came, and the cursor to ask again with.', schema: ref('Poll') } },
      refusals: pollRefusals,
      examples: {
        now: now({ cursor: CURSOR, head: CURSOR, events: [], session: SESSION, resume: SECRET }),
        after: {
          says: 'What came after a cursor',
          with: { cursor: '0-0', resume: SECRET },
          ...polled({ cursor: CURSOR, head: CURSOR, events: [MESSAGE], session: SESSION }),
        },
      },
    },
    'GET /v1/rooms/:room/events': {
      id: 'followByStream',
      says: 'Follow a room by Server-Sent Events',
      more: 'For `EventSource`, which resumes by itself. What a client may come back from is a 200 that ends. Rules: SSE-1 to SSE-5.',
      access: 'token',
      parameters: [cursor, rewind, resume, presence, lastEventId],
      answers: stream('`id:` is its cursor.'),
      refusals: ['bad_request', 'bad_cursor'],
      examples: {
        resumed: {
          says: 'From the beginning',
          with: { resume: SECRET, 'Last-Event-ID': '0-0' },
          status: 200,
          answer: `retry: 2718\n${block(welcome)}${block(MESSAGE)}`,
        },
      },
    },
    'GET /v1/ws': {
      id: 'followRoomsByWebSocket',
      says: 'Follow several rooms by WebSocket',
      more: 'Subprotocol `holdline.v1` alone. The client sends arrays of `OperationOfRooms`. Rules: MULTI-1 to MULTI-8.',
      access: 'token',
      parameters: [rooms, cursors, rewind, resume, presences],
      answers: switched,
      refusals: ['bad_request', 'upgrade_required', 'unknown_protocol'],
      examples: { two: { says: 'Two rooms', with: { rooms: list, resume: SECRET }, status: 101 } },
    },
    'GET /v1/poll': {
      id: 'followRoomsByPoll',
      says: 'Follow several rooms by long-poll',
      more: 'It answers as soon as one of its rooms would. Rule: MULTI-9.',
      access: 'token',
      parameters: [rooms, cursors, rewind, wait, resume, presences],
      answers: { 200: { says: 'What came in which room, and one cursor for all.', schema: ref('PollOfRooms') } },
      refusals: pollRefusals,
      examples: {
        after: {
          says: 'What came after the cursors of two rooms',
          with: { rooms: list, cursor: '0-0.0-0', resume: SECRET },
          ...polled({
            cursor: `m2xjr6sy1f.${CURSOR}.0-0`,
            events: [{ ...MESSAGE, room: 'lobby' }],
            rooms: [
              { room: 'lobby', session: SESSION, cursor: CURSOR, head: CURSOR },
              { room: 'news', session: SESSION_IN_NEWS, cursor: '0-0' },
            ],
          }),
        },
      },
    },
    'GET /v1/events': {
      id: 'followRoomsByStream',
      says: 'Follow several rooms by Server-Sent Events',
      more: 'Rule: MULTI-10.',
      access: 'token',
      parameters: [rooms, cursors, rewind, resume, presences, { ...lastEventId, json: cursors.json }],
      answers: stream('`id:` is the cursor of all rooms.'),
      refusals: ['bad_request', 'bad_cursor'],
      examples: {
        two: {
          says: 'Two rooms',
          with: { rooms: list, resume: SECRET },
          status: 200,
          answer: `retry: 2718\n${block({ ...welcome, cursor: CURSOR })}`,
        },
      },
    },
  },
}
