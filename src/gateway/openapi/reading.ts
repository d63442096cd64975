import { after, afterRoom, before, limit, order, resume } from '../parameters.ts'
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
    'GET /v1/rooms': {
      id: 'rooms',
      says: 'List rooms',
      more: 'The most active first, of those in memory; with `order=name` all of them in pages, which may have fewer rooms than asked for. A token lists the rooms in which it has `manage`. On the edge, where rooms know nothing of each other, `listed` is false and the list empty. Rule: INFO-2.',
      access: 'token',
      parameters: [order, afterRoom, limit],
      answers: { 200: { says: 'A page.', schema: ref('Rooms') } },
      refusals: ['bad_request', 'storage'],
      examples: {
        active: {
          says: 'The most active',
          with: { limit: 20 },
          status: 200,
          answer: {
            rooms: [{ room: 'lobby', rate: 1.5, connections: 2, sessions: 2, awakeSince: TIME }],
            next: null,
            listed: true,
          },
        },
        all: {
          says: 'All, by name',
          with: { order: 'name', after: 'lobby', limit: 20 },
          status: 200,
          answer: { rooms: [], next: null, listed: true },
        },
      },
    },
    'GET /v1/rooms/:room': {
      id: 'info',
      says: 'Look at a room',
      more: '`awakeSince` is when this instance of the room woke; the figures count from then. Rule: INFO-1.',
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
            messages: 12,
            deliveries: 24,
            rate: 1.5,
            latency: { 1: 9, 2: 3, more: 0 },
          },
        },
      },
    },
  },
}
