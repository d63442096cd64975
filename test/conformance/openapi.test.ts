import { once } from 'node:events'
import { request as rawRequest } from 'node:http'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createGateway } from '../../src/gateway/app.ts'
import { documentText } from '../../src/gateway/openapi/document.ts'
import { SECRET, SESSION } from '../../src/gateway/openapi/values.ts'
import { ERRORS } from '../../src/protocol/errors.ts'
import { eventually } from '../targets/target.ts'
import { moods } from '../webhooks/backend.ts'
import { hooked, type Told } from '../webhooks/suite.ts'
import { type Came, Document, type Operation, requestOf, type Sample, type Sent } from './clients/document.ts'
import { postJson, url } from './clients/http.ts'
import { BlockReader } from './clients/sse.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { freshRoom } from './suite.ts'

const document = new Document(documentText())
const key = bearer(API_KEY)
const ORIGIN = 'https://app.example'

describe('the document', () => {
  test('DOC-1 is OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(JSON.parse(documentText()) as object)
    expect([valid, errors, validator.version]).toEqual([true, undefined, '3.1'])
  })

  test('DOC-1 has every route that the gateway has, and no other', () => {
    const app = createGateway(() => {
      throw new Error('no request is made')
    })
    const served = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
    const documented = document.operations.map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    )
    expect(documented.sort()).toEqual(served.sort())
    expect(new Set(document.operations.map(({ operationId }) => operationId)).size).toBe(documented.length)
  })

  test('DOC-1 has every error code, under its status', () => {
    const codes = new Set(document.operations.flatMap((operation) => document.codesOf(operation)))
    // What only operations of a WebSocket can be answered.
    codes.add('unknown_op')
    expect([...codes].sort()).toEqual(Object.keys(ERRORS).sort())
    expect(document.complaints(document.component('ErrorCode'), 'unknown_op')).toEqual([])
    for (const [name, { content = {} }] of Object.entries(document.components.responses)) {
      for (const { schema, examples = {} } of Object.values(content)) {
        expect(Object.keys(examples)).toEqual(name.split('.'))
        for (const { value } of Object.values(examples)) {
          expect(document.complaints(schema, value)).toEqual([])
          const { code, status } = value as { code: keyof typeof ERRORS; status: number }
          expect(status).toBe(ERRORS[code].status)
        }
      }
    }
  })

  test('DOC-2 its examples are as its schemas have them', () => {
    const wrong = document.operations.flatMap((operation) => {
      const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap((each) =>
        each !== undefined && 'content' in each ? Object.values(each.content ?? {}) : [],
      )
      return [...operation.parameters, ...contents].flatMap(({ schema, examples = {}, ...rest }) => {
        const shown = Object.values(examples).map(({ value }) => value)
        const values = 'example' in rest ? [...shown, rest.example] : shown
        return values.flatMap((value) => document.complaints(schema, value).map((why) => `${operation.path}: ${why}`))
      })
    })
    expect(wrong).toEqual([])
  })
})

/** Sends what is no WebSocket; of a stream, what came until it has said enough. */
async function send(base: string, { path, method, headers, body }: Sent): Promise<Came> {
  const leaving = new AbortController()
  const init = { method, headers: { ...headers }, ...(body !== undefined && { body }), signal: leaving.signal }
  const response = await fetch(base + path, init)
  const type = response.headers.get('content-type') ?? ''
  const said = type === 'text/event-stream' ? await beginning(response) : await response.text()
  leaving.abort()
  return { status: response.status, headers: response.headers, body: /json/.test(type) ? JSON.parse(said) : said }
}

async function beginning({ body }: Response): Promise<string> {
  let text = ''
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    if (text.includes('data: ') && text.endsWith('\n\n')) return text
  }
  throw new Error(`the stream ended after ${text}`)
}

/** Opens a WebSocket: the handshake's answer, and the first events. */
async function upgrade(base: string, { path, headers }: Sent): Promise<Came & { events: unknown[] }> {
  const socket = new WebSocket(base.replace('http', 'ws') + path, 'holdline.v1', { headers })
  const [[response], [message]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'message')])
  socket.terminate()
  return {
    status: response.statusCode,
    headers: new Headers(response.headers),
    body: '',
    events: JSON.parse(`${message}`) as unknown[],
  }
}

const eventsIn = (stream: string): unknown[] =>
  new BlockReader().read(stream).flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data)]))

const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value).sort() : []

hooked(
  'openapi',
  (told) => {
    test('DOC-1 it is served to any origin that may use the gateway', async () => {
      const response = await fetch(`${told.url}/openapi.json`, { headers: { origin: ORIGIN } })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, ORIGIN])
      expect(await response.text()).toBe(documentText())
      expect((await fetch(`${told.url}/openapi.json`, { headers: { origin: 'https://evil.example' } })).status).toBe(
        403,
      )
    })

    test.each(document.samples)('DOC-2 $title is answered as documented', async (sample) => {
      const request = await prepared(told, sample)
      const isSocket = sample.status === 101
      const came = isSocket ? await upgrade(told.url, request) : await send(told.url, request)
      expect(document.complaintsOf(sample.operation, came), JSON.stringify(came.body)).toEqual([])
      expect(came.status).toBe(sample.status)
      const isStream = came.headers.get('content-type') === 'text/event-stream'
      const events = 'events' in came ? (came.events as unknown[]) : isStream ? eventsIn(`${came.body}`) : []
      for (const event of events) expect(document.complaints(document.component('Event'), event)).toEqual([])
      if (isStream || isSocket) expect(events[0]).toMatchObject({ type: 'welcome' })
      else if (sample.answer !== undefined) expect(keysOf(came.body)).toEqual(keysOf(sample.answer))
    })

    describe.each(
      document.operations.map((operation) => ({ title: `${operation.method} ${operation.path}`, operation })),
    )('$title', ({ operation }) => {
      const first = { operation, name: document.samples.find((each) => each.operation === operation)?.name ?? '' }

      async function refused(code: string, sent: Sent): Promise<void> {
        const came = await send(told.url, sent)
        expect([(came.body as { code?: string }).code, document.complaintsOf(operation, came)]).toEqual([code, []])
      }

      const isLocked = operation.security.length > 0
      const wayIn = isLocked ? 'needs' : 'needs no'

      test(`DOC-3 it ${wayIn} token or API key`, async () => {
        const { status } = await send(told.url, requestOf(first))
        expect(status === 401).toBe(isLocked && !operation.path.endsWith('/poll'))
      })

      if (isLocked) {
        test('DOC-3 what every locked route refuses', async () => {
          const request = requestOf(first)
          const as = (headers: Record<string, string>): Sent => ({
            ...request,
            headers: { ...request.headers, ...headers },
          })
          await refused('unauthorized', as(bearer('nobody')))
          await refused('token_expired', as(bearer(await token({ exp: -60 }))))
          if (operation.operationId !== 'publishMany' && !isHandshake(operation))
            await refused('forbidden', as(bearer(await token({ rooms: { other: ['publish'] } }))))
          await refused('origin', as({ ...key, origin: 'https://evil.example' }))
        })
      }

      if (operation.path.includes('{room}') && !isHandshake(operation)) {
        test('DOC-3 a malformed room', () => refused('bad_room', locked(requestOf(first, { room: 'a b' }))))
      }

      for (const parameter of operation.parameters) {
        if (parameter.in === 'path' || parameter.name === 'token' || isHandshake(operation)) continue
        const isAnything = document.complaints(parameter.schema, '!').length === 0
        test.skipIf(isAnything)(`DOC-3 a malformed ${parameter.name}`, async () => {
          const sent = locked(requestOf(first))
          const malformed = parameter.name === 'Idempotency-Key' ? 'a b' : '!'
          if (parameter.in === 'header') sent.headers[parameter.name] = malformed
          const address = new URL(sent.path, told.url)
          if (parameter.in === 'query') address.searchParams.set(parameter.name, malformed)
          const came = await send(told.url, { ...sent, path: address.pathname + address.search })
          expect([came.status, document.complaintsOf(operation, came)]).toEqual([400, []])
        })
      }

      if ('application/json' in (operation.requestBody?.content ?? {})) {
        test('DOC-3 a malformed body', async () => {
          const request = locked(requestOf(first))
          const json = { ...request, headers: { ...request.headers, 'content-type': 'application/json' } }
          await refused('bad_request', { ...json, body: '{' })
          await refused('bad_request', { ...json, body: '{}' })
          await refused('unknown_field', { ...json, body: `{"nobody":1}` })
          await refused('too_large', { ...json, body: JSON.stringify({ data: 'x'.repeat(3_000_000) }) })
        })
      }
    })

    test.each([
      ['publish', 'id_reused', { body: '{"id":"news-1","data":2}' }],
      ['publish', 'not_unicode', { body: '{"data":"\\ud800"}' }],
      ['session', 'not_found', {}],
      ['disconnect', 'not_found', {}],
      ['resendOne', 'not_found', {}],
      ['followByWebSocket', 'upgrade_required', {}],
      ['followRoomsByWebSocket', 'upgrade_required', {}],
    ] as const)('DOC-3 %s is refused with %s as documented', async (id, code, change) => {
      const operation = document.operations.find(({ operationId }) => operationId === id) as Operation
      const room = freshRoom()
      await postJson(told.url, room, { id: 'news-1', data: 1 }, { headers: key })
      const request = locked(requestOf({ operation, name: 'json' }, { room, session: 'nobody', letter: 'nothing' }))
      const came = await send(told.url, { ...request, ...change })
      expect([(came.body as { code?: string }).code, document.complaintsOf(operation, came)]).toEqual([code, []])
    })

    test.each(document.operations.filter(isHandshake))(
      'DOC-3 $path refuses subprotocols that it does not know as documented',
      async (operation) => {
        const { path, headers } = locked(requestOf({ operation, name: 'two' }))
        const handshake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
        const more = { 'sec-websocket-key': 'AQIDBAUGBwgJCgsMDQ4PEA==', 'sec-websocket-protocol': 'soap' }
        const asked = rawRequest(told.url + path, { headers: { ...headers, ...handshake, ...more } }).end()
        const [response] = await once(asked, 'response')
        const pieces: Buffer[] = []
        for await (const piece of response) pieces.push(piece)
        const body: unknown = JSON.parse(`${Buffer.concat(pieces)}`)
        const came = { status: response.statusCode, headers: new Headers(response.headers), body }
        expect([body, document.complaintsOf(operation, came)]).toMatchObject([{ code: 'unknown_protocol' }, []])
      },
    )
  },
  {
    ...LOCKED,
    HOLDLINE_ORIGINS: ORIGIN,
    HOLDLINE_WEBHOOK_WAITING: '1',
    HOLDLINE_WEBHOOK_EVENTS: 'message',
  },
)

const isHandshake = ({ path }: Operation): boolean => path.endsWith('/ws')

const locked = (sent: Sent): Sent => ({ ...sent, headers: { ...key, ...sent.headers } })

/** The request of a sample, after what it speaks of is there. */
async function prepared(told: Told, sample: Sample): Promise<Sent> {
  const { path } = sample.operation
  if (/session|presence/.test(path)) await isThere(told.url)
  if (path.endsWith('/resend') || path.endsWith('/dead')) {
    const letters = await deadLetters(told)
    return locked(requestOf(sample, { letter: letters[0] as string }))
  }
  return locked(requestOf(sample))
}

/** Somebody with the secret of the examples follows the lobby until the test is over. */
async function isThere(base: string): Promise<void> {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const address = url(base, 'lobby', '/events', { resume: SECRET, presence: 1 })
  const response = await fetch(address, { headers: key, signal: leaving.signal })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (!text.includes('"action":"sync"')) text += Buffer.from((await reader.read()).value ?? []).toString()
  expect(text).toContain(SESSION)
}

/** Their ids, after the backend has failed to take two messages of the lobby at least. */
async function deadLetters(told: Told): Promise<string[]> {
  told.backend.mood = moods.fails
  for (const data of ['lost', 'lost too', 'waiting']) await postJson(told.url, 'lobby', { data }, { headers: key })
  let ids: string[] = []
  await eventually('two are dead', async () => {
    const response = await fetch(url(told.url, 'lobby', '/webhooks/dead'), { headers: key })
    ids = ((await response.json()) as { dead: { id: string }[] }).dead.map(({ id }) => id)
    return ids.length > 1
  })
  return ids
}
