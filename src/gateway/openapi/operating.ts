import { type Answer, type Family, ref } from './describe.ts'

const page = (says: string): Readonly<Record<number, Answer>> => ({
  200: { says, type: 'text/html', schema: { type: 'string' } },
})
/** What asks nothing of who comes, but of whence. */
const refusals = ['host', 'origin', 'unconfigured'] as const
const ok: Readonly<Record<number, Answer>> = { 200: { says: 'Yes.', schema: ref('Status') } }
const yes = { yes: { says: 'Yes', status: 200, answer: { status: 'ok' } } }

export const operating: Family = {
  name: 'Operate',
  says: 'For load balancers, and for people.',
  routes: {
    'GET /healthz': { id: 'healthz', says: 'Does the process live?', access: 'anyone', answers: ok, examples: yes },
    'GET /readyz': {
      id: 'readyz',
      says: 'Does it take work?',
      more: 'If not, the error says why.',
      access: 'anyone',
      answers: ok,
      refusals: ['storage', 'draining', 'unconfigured'],
      examples: yes,
    },
    'GET /metrics': {
      id: 'metrics',
      says: 'What the process counts, for Prometheus',
      more: 'docs/metrics.md lists it. On the edge there is no process to be scraped: 404. Rule: OPS-5.',
      access: 'key',
      answers: { 200: { says: 'The text format, version 0.0.4.', type: 'text/plain', schema: { type: 'string' } } },
      refusals: ['not_found'],
      examples: { all: { says: 'All of it', status: 200 } },
    },
    'GET /openapi.json': {
      id: 'openapi',
      says: 'This document',
      access: 'anyone',
      refusals,
      answers: { 200: { says: 'OpenAPI 3.1.', schema: { type: 'object', required: ['openapi', 'paths'] } } },
      examples: { all: { says: 'All of it', status: 200 } },
    },
    'GET /docs': {
      id: 'docs',
      says: 'This document, to be read by people',
      access: 'anyone',
      refusals,
      answers: page('The page.'),
      examples: { page: { says: 'The page', status: 200 } },
    },
    'GET /inspect': {
      id: 'inspect',
      says: 'The inspector, for operators',
      more: 'The page tells nothing by itself: what it shows it asks for with the token or API key that is given to it.',
      access: 'anyone',
      refusals,
      answers: page('The page.'),
      examples: { page: { says: 'The page', status: 200 } },
    },
    'GET /': {
      id: 'chat',
      says: 'A chat, to try the gateway with',
      access: 'anyone',
      refusals,
      answers: page('The page.'),
      examples: { page: { says: 'The page', status: 200 } },
    },
  },
}
