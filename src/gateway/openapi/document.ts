import { PATTERNS } from '../../protocol/names.ts'
import type { Parameter } from '../parameters.ts'
import { backend } from './backend.ts'
import type { Answer, Example, Family, Json, Route } from './describe.ts'
import { following } from './following.ts'
import { operating } from './operating.ts'
import { publishing } from './publishing.ts'
import { reading } from './reading.ts'
import { Refusals, refusalsOf } from './refusals.ts'
import { schemas } from './schemas.ts'
import { sessions } from './sessions.ts'
import { DEAD_ID, SESSION } from './values.ts'

const families: readonly Family[] = [publishing, following, reading, sessions, backend, operating]

const ABOUT = `A realtime gateway: it holds WebSocket, long-poll and Server-Sent Events connections for backends that cannot.
The rules that are named here stand in docs/protocol.md. Unknown query names are ignored, unknown fields of a body are refused; clients ignore fields and events that they do not know.
An example of a request and one of an answer that have the same name belong together. Where no key is configured no token is needed.`

const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token that your backend gave. On a WebSocket also as the subprotocol `holdline.token.<token>`.',
  },
  apiKey: { type: 'http', scheme: 'bearer', description: 'One of HOLDLINE_API_KEYS: it may do everything.' },
  tokenInQuery: { type: 'apiKey', in: 'query', name: 'token', description: 'A token, where no header can be set.' },
  resume: {
    type: 'apiKey',
    in: 'query',
    name: 'resume',
    description: 'Between two tokens a session’s secret is enough for a poll (AUTH-7).',
  },
}

/** What a path may name. */
const PATH: Readonly<Record<string, { says: string; json: Json; example: string }>> = {
  room: {
    says: 'A room’s name: 1 to 128 of `A-Z a-z 0-9 _ . : ~ @ -`.',
    json: { type: 'string', pattern: PATTERNS.room },
    example: 'lobby',
  },
  session: { says: 'A session’s id.', json: { type: 'string', pattern: PATTERNS.session }, example: SESSION },
  letter: { says: 'A dead letter’s id.', json: { type: 'string' }, example: DEAD_ID },
}

type Examples = Readonly<Record<string, Example>>

function build(): Json {
  const refusals = new Refusals()
  const paths: Record<string, Record<string, Json>> = {}
  for (const { name, routes } of families) {
    for (const [route, about] of Object.entries(routes)) {
      const [method, path] = route.split(' ') as [string, string]
      const place = path.replaceAll(/:(\w+)/g, '{$1}')
      paths[place] = { ...paths[place], [method.toLowerCase()]: operation(name, path, about, refusals) }
    }
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Holdline', version: '1', summary: 'A realtime gateway.', description: ABOUT },
    servers: [{ url: '/' }],
    tags: families.map(({ name, says }) => ({ name, description: says })),
    paths,
    components: { schemas, responses: refusals.responses, securitySchemes },
  }
}

function operation(tag: string, path: string, route: Route, refusals: Refusals): Json {
  const { id, says, more, parameters = [], body, answers, examples } = route
  return {
    operationId: id,
    tags: [tag],
    summary: says,
    ...(more !== undefined && { description: more }),
    security: security(path, route),
    parameters: [...pathParameters(path), ...parameters.map((each) => parameter(each, examples))],
    ...(body !== undefined && { requestBody: { required: true, content: requests(body, examples) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, each]) => [status, response(status, each, examples)]),
      ),
      ...refusals.of(refusalsOf(path, route)),
    },
  }
}

function security(path: string, { access }: Route): readonly Json[] {
  if (access === 'anyone') return []
  if (access === 'key') return [{ apiKey: [] }]
  const isPoll = path.endsWith('/poll')
  return [{ token: [] }, { apiKey: [] }, { tokenInQuery: [] }, ...(isPoll ? [{ resume: [] }] : [])]
}

const pathParameters = (path: string): readonly Json[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    const { says, json, example } = PATH[name] as (typeof PATH)[string]
    return { name, in: 'path', required: true, description: says, schema: json, example }
  })

function parameter({ name, in: where, says, json, isRequired }: Parameter, examples: Examples): Json {
  return {
    name,
    in: where,
    description: says,
    ...(isRequired && { required: true }),
    ...(json.type === 'array' && { style: 'form', explode: false }),
    schema: json,
    ...named(examples, ({ with: given }) => given?.[name]),
  }
}

const requests = (body: Readonly<Record<string, Json>>, examples: Examples): Json =>
  Object.fromEntries(
    Object.entries(body).map(([type, schema]) => [
      type,
      { schema, ...named(examples, (example) => (example.type === type ? example.body : undefined)) },
    ]),
  )

function response(
  status: string,
  { says, type = 'application/json', schema, headers }: Answer,
  examples: Examples,
): Json {
  const answered = named(examples, (example) => (`${example.status}` === status ? example.answer : undefined))
  return {
    description: says,
    ...(headers !== undefined && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, json]) => [name, { required: true, schema: json }]),
      ),
    }),
    ...(schema !== undefined && { content: { [type]: { schema, ...answered } } }),
  }
}

/** Examples under their names, where they have a value. */
function named(examples: Examples, valueIn: (example: Example) => unknown): { readonly examples?: Json } {
  const found = Object.entries(examples)
    .map(([name, example]) => [name, { summary: example.says, value: valueIn(example) }] as const)
    .filter(([, { value }]) => value !== undefined)
  return found.length > 0 ? { examples: Object.fromEntries(found) } : {}
}

let text: string | undefined

/** The document as JSON text: made when somebody first asks, and kept. */
export const documentText = (): string => {
  text ??= JSON.stringify(build())
  return text
}
