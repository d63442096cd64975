import { afterId, deadLimit } from '../parameters.ts'
import { type Answer, type Family, ref } from './describe.ts'
import { CURSOR, DEAD_ID, MESSAGE, TIME } from './values.ts'

const resent: Readonly<Record<number, Answer>> = {
  202: { says: 'So many events are on their way again.', schema: ref('Resent') },
}

const cloudEvent = {
  specversion: '1.0',
  id: DEAD_ID,
  source: '/v1/rooms/lobby',
  type: 'message',
  subject: MESSAGE.id,
  time: new Date(TIME).toISOString(),
  datacontenttype: 'application/json',
  data: { room: 'lobby', message: { ...MESSAGE, cursor: CURSOR } },
}

export const backend: Family = {
  name: 'Backend',
  says: 'For the backend and its operator.',
  routes: {
    'POST /v1/revoke': {
      id: 'revoke',
      says: 'Revoke tokens',
      more: 'A token by its `jti`, a session, or all tokens of a user issued until now. Connections that have them are closed with 4507 `revoked`. Without `room`, in all rooms; on the edge `room` must be named. Rule: AUTH-9.',
      access: 'key',
      body: { 'application/json': ref('Revocation') },
      answers: { 200: { says: 'They are revoked.', schema: ref('Nothing') } },
      refusals: ['bad_request', 'bad_room', 'unknown_field', 'not_unicode', 'too_large', 'storage'],
      examples: {
        user: {
          says: 'All tokens of a user, in one room',
          type: 'application/json',
          body: { user: 'mallory', room: 'lobby' },
          status: 200,
          answer: {},
        },
      },
    },
    'GET /v1/rooms/:room/webhooks/dead': {
      id: 'deadLetters',
      says: 'Read what the backend did not take',
      more: 'Only where a backend is told of the room. Rule: HOOK-8.',
      access: 'token',
      parameters: [afterId, deadLimit],
      answers: { 200: { says: 'A page, oldest first.', schema: ref('DeadLetters') } },
      refusals: ['bad_request', 'not_found'],
      examples: {
        first: {
          says: 'The oldest',
          with: { limit: 10 },
          status: 200,
          answer: {
            dead: [{ id: DEAD_ID, count: 1, reason: 'more than 1000 waited', died: TIME, events: [cloudEvent] }],
            next: null,
          },
        },
      },
    },
    'POST /v1/rooms/:room/webhooks/dead/:letter/resend': {
      id: 'resendOne',
      says: 'Send a dead letter again',
      access: 'token',
      answers: resent,
      refusals: ['not_found'],
      examples: { one: { says: 'One of them', status: 202, answer: { resent: 1 } } },
    },
    'POST /v1/rooms/:room/webhooks/dead/resend': {
      id: 'resendAll',
      says: 'Send all dead letters again',
      more: 'Up to 100 of them.',
      access: 'token',
      answers: resent,
      refusals: ['not_found'],
      examples: { all: { says: 'All of them', status: 202, answer: { resent: 2 } } },
    },
  },
}
