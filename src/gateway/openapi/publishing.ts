import { idempotencyKey, resume, traceparent } from '../parameters.ts'
import { type Answer, type Family, type Json, listOf, ref, shape } from './describe.ts'
import { CURSOR, ID, MADE_ID, NEXT, SECRET } from './values.ts'

/** What a message may come as (PUB-1, PUB-2). */
const body: Readonly<Record<string, Json>> = {
  'application/json': ref('Publication'),
  'text/plain': { type: 'string', description: 'The text is the data.' },
  'application/octet-stream': { description: 'The bytes are the data. So is any other type.' },
}

const answers: Readonly<Record<number, Answer>> = {
  201: { says: 'It is in the log, and survives the death of the process.', schema: ref('Published') },
  200: { says: 'It was there: nothing was published, this is the first one’s cursor.', schema: ref('Duplicate') },
  202: { says: 'Passed on to those attached now, and not logged.', schema: ref('Passed') },
}

/** What becomes of a message under an id that the gateway makes. */
const made = { status: 201, answer: { id: MADE_ID, cursor: CURSOR } }

const refusals = [
  'bad_request',
  'unknown_field',
  'not_unicode',
  'too_large',
  'id_reused',
  'rate',
  'busy',
  'backend',
] as const

export const publishing: Family = {
  name: 'Publish',
  says: 'Messages go into a room’s log, and from there to all who follow it.',
  routes: {
    'POST /v1/rooms/:room/messages': {
      id: 'publish',
      says: 'Publish a message',
      more: 'The same `id` again, with the same content, publishes nothing and answers the first cursor: so a retry is safe. Rules: PUB-1 to PUB-9.',
      access: 'token',
      parameters: [resume, idempotencyKey, traceparent],
      body,
      answers,
      refusals,
      examples: {
        json: { says: 'JSON', type: 'application/json', body: { data: { text: 'hello' } }, ...made },
        text: { says: 'Text', type: 'text/plain', body: 'hello', ...made },
        bytes: { says: 'Bytes', type: 'application/octet-stream', body: 'hello', ...made },
        session: {
          says: 'In the name of a session, for two users alone',
          with: { resume: SECRET },
          type: 'application/json',
          body: { data: 'psst', event: 'whisper', to: { users: ['ada', 'bob'] } },
          ...made,
        },
        once: {
          says: 'With an id of your own',
          with: { 'Idempotency-Key': ID },
          type: 'text/plain',
          body: 'paid',
          status: 201,
          answer: { id: ID, cursor: CURSOR },
        },
        again: {
          says: 'The same again',
          with: { 'Idempotency-Key': ID },
          type: 'text/plain',
          body: 'paid',
          status: 200,
          answer: { id: ID, cursor: CURSOR, duplicate: true },
        },
        ephemeral: {
          says: 'Not logged',
          type: 'application/json',
          body: { event: 'typing', data: null, ephemeral: true },
          status: 202,
          answer: { id: MADE_ID },
        },
      },
    },
    'POST /v1/publish': {
      id: 'publishMany',
      says: 'Publish many messages, to many rooms',
      more: 'The messages for one room are one atomic write. One that is malformed is refused by itself. `resume` names the session that publishes, in each room. Rules: BATCH-1 to BATCH-3.',
      access: 'token',
      parameters: [resume, traceparent],
      body: { 'application/json': ref('Batch') },
      answers: {
        200: {
          says: 'What became of each, in order.',
          schema: shape<{ results: unknown }>({
            results: listOf({ anyOf: ['Published', 'Duplicate', 'Passed', 'Refused'].map(ref) }),
          }),
        },
      },
      refusals: ['bad_request', 'unknown_field', 'not_unicode', 'too_large'],
      examples: {
        two: {
          says: 'To two rooms, and one whose id was used',
          type: 'application/json',
          body: {
            messages: [
              { room: 'lobby', data: 'hello' },
              { room: 'news', data: { headline: 'It works' }, id: 'news-1' },
              { room: 'news', data: 'something else', id: 'news-1' },
            ],
          },
          status: 200,
          answer: {
            results: [
              { id: MADE_ID, cursor: NEXT },
              { id: 'news-1', cursor: CURSOR },
              { code: 'id_reused', message: 'The id news-1 stands for another message' },
            ],
          },
        },
      },
    },
    'POST /v1/rooms/:room/sessions/:session/messages': {
      id: 'publishToSession',
      says: 'Publish a message to one session',
      more: 'It need not be attached: it gets the message when it resumes. Rule: SES-7.',
      access: 'token',
      parameters: [resume, idempotencyKey, traceparent],
      body,
      answers,
      refusals: [...refusals, 'not_found'],
      examples: {
        one: { says: 'JSON', type: 'application/json', body: { data: 'for you alone' }, ...made },
      },
    },
  },
}
