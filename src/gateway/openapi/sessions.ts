import { afterId, limit, resume } from '../parameters.ts'
import { type Family, ref } from './describe.ts'
import { MEMBER, REV, SECRET, TIME } from './values.ts'

const session = {
  ...MEMBER,
  present: true,
  connections: ['sse'],
  attached: [{ kind: 'sse', since: TIME, queue: 0, lag: 0 }],
}

export const sessions: Family = {
  name: 'Sessions and presence',
  says: 'Who is in a room. A session outlives the last of its connections by 30 seconds. Rules: SES-1 to SES-7, PRES-1 to PRES-6.',
  routes: {
    'GET /v1/rooms/:room/presence': {
      id: 'presence',
      says: 'See who is present',
      more: 'In a large room, how many, and a sample.',
      access: 'token',
      answers: { 200: { says: 'Who is present.', schema: ref('Presence') } },
      examples: {
        lobby: { says: 'The lobby', status: 200, answer: { count: 1, members: [MEMBER], rev: REV } },
      },
    },
    'PUT /v1/rooms/:room/presence': {
      id: 'setPresence',
      says: 'Set the state of your session',
      more: 'Any JSON of at most 1,024 bytes; `null` is none.',
      access: 'token',
      parameters: [{ ...resume, isRequired: true }],
      body: { 'application/json': ref('PresenceState') },
      answers: { 200: { says: 'It is set, and all who hear of presence hear of it.', schema: ref('Nothing') } },
      refusals: ['bad_request', 'unknown_field', 'not_unicode', 'too_large', 'not_found', 'rate', 'busy'],
      examples: {
        state: {
          says: 'A state',
          with: { resume: SECRET },
          type: 'application/json',
          body: { state: { mood: 'fine' } },
          status: 200,
          answer: {},
        },
      },
    },
    'GET /v1/rooms/:room/sessions': {
      id: 'sessions',
      says: 'List the sessions of a room',
      more: 'In the order of their ids. `endsAt` is when one ends that has no connection. `attached` says how it stands with each connection: since when, `queue` (bytes that it is owed) and `lag` (messages that it has yet to be sent).',
      access: 'token',
      parameters: [afterId, limit],
      answers: { 200: { says: 'A page.', schema: ref('Sessions') } },
      refusals: ['bad_request'],
      examples: {
        first: {
          says: 'The first of them',
          with: { limit: 20 },
          status: 200,
          answer: { sessions: [session], next: null },
        },
      },
    },
    'GET /v1/rooms/:room/sessions/:session': {
      id: 'session',
      says: 'Look at a session',
      access: 'token',
      answers: { 200: { says: 'The session.', schema: ref('Session') } },
      refusals: ['not_found'],
      examples: { one: { says: 'One session', status: 200, answer: session } },
    },
    'DELETE /v1/rooms/:room/sessions/:session': {
      id: 'disconnect',
      says: 'End a session',
      more: 'Its connections are closed with 4506 `disconnected`.',
      access: 'token',
      answers: { 204: { says: 'It has ended.' } },
      refusals: ['not_found'],
      examples: { one: { says: 'One session', status: 204 } },
    },
  },
}
