import { after, before, limit, resume } from '../parameters.ts'
import { type Family, ref } from './describe.ts'
import { CURSOR, MESSAGE, TIME } from './values.ts'

export const reading: Family = {
  name: 'Read',
  says: 'What was said, and how a room is.',
  routes: {
    'GET /v1/rooms/:room/messages': {
      id: 'history',
      says: 'Read the history, oldest first',
      more: 'With neither `after` nor `before`: the newest. `next` goes on from here, `prev` goes back; it is null where nothing older is kept. Rules: HIST-1 to HIST-4.',
      access: 'token',
      parameters: [after, before, limit, resume],
      answers: { 200: { says: 'A page.', schema: ref('History') } },
      refusals: ['bad_request', 'bad_cursor', 'busy'],
      examples: {
        newest: {
          says: 'The newest',
          with: { limit: 20 },
          status: 200,
          answer: { messages: [MESSAGE], next: CURSOR, prev: null },
        },
        first: {
          says: 'From the beginning',
          with: { after: '0-0', limit: 20 },
          status: 200,
          answer: { messages: [MESSAGE], next: CURSOR, prev: null },
        },
      },
    },
    'GET /v1/rooms/:room': {
      id: 'info',
      says: 'Look at a room',
      more: '`awakeSince` is when this instance of the room woke. Rule: INFO-1.',
      access: 'token',
      answers: { 200: { says: 'Its state.', schema: ref('Info') } },
      examples: {
        lobby: {
          says: 'The lobby',
          status: 200,
          answer: {
            room: 'lobby',
            cursor: CURSOR,
            sessions: 2,
            connections: { websocket: 1, poll: 0, sse: 1, tcp: 0 },
            awakeSince: TIME,
          },
        },
      },
    },
  },
}
