import { once } from 'node:events'
import { type IncomingMessage, request as rawRequest } from 'node:http'
import { json } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { documentText } from '../../src/gateway/openapi/document.ts'
import { Document, locked, type Operation, requestOf, type Sent, send } from './clients/document.ts'
import { postJson } from './clients/http.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { chapter, freshRoom } from './suite.ts'

const document = new Document(documentText())
const key = bearer(API_KEY)
const everyParameter = document.operations.flatMap(({ parameters }) => parameters)
const isHandshake = ({ path }: Operation): boolean => path.endsWith('/ws')

/** Its code, and what of it is not as documented. */
async function refusalIn(response: IncomingMessage, operation: Operation): Promise<unknown[]> {
  const { statusCode: status = 0, headers } = response
  const body = (await json(response)) as { code?: string }
  return [body.code, document.complaintsOf(operation, { status, headers: new Headers(headers as never), body })]
}

chapter(
  'what the document says of refusals',
  (gateway) => {
    describe.each(
      document.operations.map((operation) => ({ title: `${operation.method} ${operation.path}`, operation })),
    )('$title', ({ operation }) => {
      const first = { operation, name: document.samples.find((each) => each.operation === operation)?.name ?? '' }

      async function refused(code: string, sent: Sent): Promise<void> {
        const came = await send(gateway.url, sent)
        expect([(came.body as { code?: string }).code, document.complaintsOf(operation, came)]).toEqual([code, []])
      }

      const isLocked = operation.security.length > 0
      const wayIn = isLocked ? 'needs' : 'needs no'

      test(`DOC-3 it ${wayIn} token or API key`, async () => {
        expect((await send(gateway.url, requestOf(first))).status === 401).toBe(isLocked)
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

      for (const { name, in: where, schema } of isHandshake(operation) ? [] : operation.parameters) {
        const malformed = ['!', 'a b'].find((text) => document.complaints(schema, text).length > 0)
        if (where === 'path' || malformed === undefined) continue
        test(`DOC-3 a malformed ${name}`, async () => {
          const sent = locked(requestOf(first))
          const address = new URL(sent.path, gateway.url)
          // It beats the cursor, so that a malformed one would not be looked at.
          delete sent.headers['Last-Event-ID']
          if (where === 'header') sent.headers[name] = malformed
          else address.searchParams.set(name, malformed)
          const came = await send(gateway.url, { ...sent, path: address.pathname + address.search })
          expect([came.status, document.complaintsOf(operation, came)]).toEqual([400, []])
        })
      }

      if (!isHandshake(operation)) {
        test('DOC-3 it ignores parameters that it does not document', async () => {
          const own = operation.parameters.map(({ name }) => name)
          const sent = locked(requestOf(first))
          const address = new URL(sent.path, gateway.url)
          const headers = { ...sent.headers }
          for (const { name, in: where } of everyParameter.filter((each) => !own.includes(each.name))) {
            if (where === 'header') headers[name] = 'a b'
            else if (where === 'query') address.searchParams.set(name, '!')
          }
          const { status } = await send(gateway.url, sent)
          const again = await send(gateway.url, { ...sent, headers, path: address.pathname + address.search })
          expect([again.status === 400, document.complaintsOf(operation, again)]).toEqual([status === 400, []])
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
      await postJson(gateway.url, room, { id: 'news-1', data: 1 }, { headers: key })
      const request = locked(requestOf({ operation, name: 'json' }, { room, session: 'nobody', letter: 'nothing' }))
      const came = await send(gateway.url, { ...request, ...change })
      expect([(came.body as { code?: string }).code, document.complaintsOf(operation, came)]).toEqual([code, []])
    })

    test.each(document.operations.filter(isHandshake))(
      'DOC-3 $path refuses subprotocols that it does not know as documented',
      async (operation) => {
        const { path, headers } = locked(requestOf({ operation, name: 'two' }))
        const handshake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
        const more = { 'sec-websocket-key': 'AQIDBAUGBwgJCgsMDQ4PEA==', 'sec-websocket-protocol': 'soap' }
        const asked = rawRequest(gateway.url + path, { headers: { ...headers, ...handshake, ...more } }).end()
        const [response] = await once(asked, 'response')
        expect(await refusalIn(response, operation)).toEqual(['unknown_protocol', []])
      },
    )
  },
  { env: { ...LOCKED, HOLDLINE_ORIGINS: 'https://app.example' } },
)

chapter('what the document says of a gateway without keys', (gateway) => {
  test.each(['/', '/docs', '/openapi.json', '/v1/rooms/{room}'])('DOC-3 %s is for this machine alone', async (path) => {
    const operation = document.operations.find((each) => each.path === path) as Operation
    const { path: place } = requestOf({ operation, name: 'only' })
    const asked = rawRequest(gateway.url + place, { headers: { host: 'rebound.example' } }).end()
    const [response] = await once(asked, 'response')
    expect(await refusalIn(response, operation)).toEqual(['host', []])
  })
})
