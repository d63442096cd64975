import { ERRORS, type ErrorCode, isTransient } from '../../protocol/errors.ts'
import type { Json, Route } from './describe.ts'

const OF_A_GATE: readonly ErrorCode[] = ['host', 'origin', 'unconfigured']
const OF_A_TOKEN: readonly ErrorCode[] = ['unauthorized', 'token_expired', 'revoked', 'forbidden', 'keys']
const OF_A_ROOM: readonly ErrorCode[] = ['bad_room', 'storage']

/** Every code that a route may answer: those of all like it, and its own. */
export function refusalsOf(path: string, { access, refusals = [], parameters = [] }: Route): readonly ErrorCode[] {
  const hasRoom = path.includes(':room') || parameters.some(({ name }) => name === 'rooms')
  const all = new Set<ErrorCode>([
    ...refusals,
    ...(hasRoom ? OF_A_ROOM : []),
    ...(access === 'anyone' ? [] : [...OF_A_GATE, ...OF_A_TOKEN]),
    'internal',
  ])
  return (Object.keys(ERRORS) as ErrorCode[]).filter((code) => all.has(code))
}

const HEADERS: Readonly<Record<string, Json>> = {
  'Retry-After': { required: true, description: 'Seconds.', schema: { type: 'integer', minimum: 0 } },
  'WWW-Authenticate': { required: true, schema: { type: 'string', pattern: '^Bearer ' } },
  // Not on the edge, where the platform keeps such headers to itself (workerd 2026-11).
  Upgrade: { schema: { const: 'websocket' } },
}

/** An answer that stands for those codes, which have one status. */
function response(codes: readonly ErrorCode[]): Json {
  const first = codes[0] as ErrorCode
  const { status } = ERRORS[first]
  const headers = [
    ...(isTransient(first) ? ['Retry-After'] : []),
    ...(status === 401 ? ['WWW-Authenticate'] : []),
    ...(status === 426 ? ['Upgrade'] : []),
  ]
  const example = (code: ErrorCode) => {
    const { title } = ERRORS[code]
    return { value: { type: `urn:holdline:error:${code}`, title, status, detail: title, code } }
  }
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers.map((name) => [name, HEADERS[name]])) }),
    content: {
      'application/problem+json': {
        schema: {
          $ref: '#/components/schemas/Problem',
          properties: { status: { const: status }, code: { enum: codes } },
        },
        examples: Object.fromEntries(codes.map((code) => [code, example(code)])),
      },
    },
  }
}

/** The error answers of all routes, each said once. */
export class Refusals {
  readonly responses: Record<string, Json> = {}

  /** By status. */
  of(codes: readonly ErrorCode[]): Readonly<Record<string, Json>> {
    const byStatus = Object.groupBy(codes, (code) => ERRORS[code].status) as Readonly<Record<string, ErrorCode[]>>
    return Object.fromEntries(
      Object.entries(byStatus).map(([status, same]) => {
        const name = same.join('.')
        this.responses[name] ??= response(same)
        return [status, { $ref: `#/components/responses/${name}` }]
      }),
    )
  }
}
