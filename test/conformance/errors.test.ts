import { describe, expect, test } from 'vitest'
import { type Answer, call, post, postJson, say, url } from './clients/http.ts'
import { transports } from './clients/index.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom } from './suite.ts'

interface Refused {
  code: string
  status: number
  request: (base: string, room: string) => Promise<Answer>
}

const refused: Refused[] = [
  { code: 'bad_request', status: 400, request: (base, room) => postJson(base, room, '{') },
  { code: 'bad_room', status: 400, request: (base) => postJson(base, 'a b', { data: 1 }) },
  { code: 'bad_cursor', status: 400, request: (base, room) => call(url(base, room, '/poll', { cursor: '!' })) },
  { code: 'unknown_field', status: 400, request: (base, room) => postJson(base, room, { data: 1, extra: 1 }) },
  { code: 'not_unicode', status: 400, request: (base, room) => post(base, room, 'text/plain', Uint8Array.of(0xff)) },
  { code: 'not_found', status: 404, request: (base) => call(`${base}/v1/nothing`) },
  { code: 'too_large', status: 413, request: (base, room) => postJson(base, room, { data: 'x'.repeat(65_537) }) },
  { code: 'upgrade_required', status: 426, request: (base, room) => call(url(base, room, '/ws')) },
  {
    code: 'id_reused',
    status: 409,
    request: async (base, room) => {
      await postJson(base, room, { data: 1, id: 'used' })
      return postJson(base, room, { data: 2, id: 'used' })
    },
  },
]

const wrongOperations = [
  { name: 'a wrong type of data and bytes', operation: { op: 'publish', bytes: 1 }, code: 'bad_request' },
  { name: 'neither data nor bytes', operation: { op: 'publish' }, code: 'bad_request' },
  { name: 'both data and bytes', operation: { op: 'publish', data: 1, bytes: 'QQ==' }, code: 'bad_request' },
  { name: 'a wrong id', operation: { op: 'publish', data: 1, id: 5 }, code: 'bad_request' },
  { name: 'a wrong event', operation: { op: 'publish', data: 1, event: ['x'] }, code: 'bad_request' },
  { name: 'a wrong echo', operation: { op: 'publish', data: 1, echo: 'no' }, code: 'bad_request' },
  { name: 'a wrong ephemeral', operation: { op: 'publish', data: 1, ephemeral: 1 }, code: 'bad_request' },
  { name: 'a wrong to', operation: { op: 'publish', data: 1, to: 'me' }, code: 'bad_request' },
  { name: 'a wrong session in to', operation: { op: 'publish', data: 1, to: { sessions: [1] } }, code: 'bad_request' },
  { name: 'a wrong except', operation: { op: 'publish', data: 1, except: {} }, code: 'bad_request' },
  { name: 'a wrong limit', operation: { op: 'history', limit: '5' }, code: 'bad_request' },
  { name: 'a limit too high', operation: { op: 'history', limit: 1001 }, code: 'bad_request' },
  { name: 'a wrong cursor', operation: { op: 'history', after: 5 }, code: 'bad_request' },
  { name: 'a wrong n', operation: { op: 'probe', n: 'x' }, code: 'bad_request' },
  { name: 'an op that is no text', operation: { op: 5 }, code: 'bad_request' },
  { name: 'an unknown op', operation: { op: 'dance' }, code: 'unknown_op' },
  { name: 'the op of another case', operation: { op: 'Publish', data: 1 }, code: 'unknown_op' },
  { name: 'an inherited op', operation: { op: 'constructor' }, code: 'unknown_op' },
  { name: 'an unknown field', operation: { op: 'publish', data: 1, dta: 2 }, code: 'unknown_field' },
  { name: 'an unknown field of ping', operation: { op: 'ping', x: 1 }, code: 'unknown_field' },
  {
    name: 'an unknown field of to',
    operation: { op: 'publish', data: 1, to: { everyone: true } },
    code: 'unknown_field',
  },
  { name: 'an inherited field', operation: '{"op":"publish","data":1,"__proto__":{}', code: 'unknown_field' },
]

const notOperations = [
  '',
  ' ',
  '{',
  '[',
  '[}',
  '{"op":"ping"',
  '{"op":"ping"} x',
  'ping',
  '{op:"ping"}',
  "{'op':'ping'}",
  '[{"op":"ping"},]',
]
const notObjects = ['null', 'true', '5', '"ping"', '[5]', '[null]', '[[]]', '[[{"op":"ping"}]]', '["x"]']

chapter('errors', (gateway) => {
  test.each(refused)('ERR-1 over HTTP $code is $status and problem+json', async ({ code, status, request }) => {
    const answer = await request(gateway.url, freshRoom())
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer).toMatchObject({ http: status, status, code })
    for (const field of [answer.type, answer.title, answer.detail]) expect(field).toEqual(expect.stringMatching(/./))
  })

  test.each(wrongOperations)(
    'ERR-2, ERR-3 on a framed connection $name is $code, with its ref',
    async ({ operation, code }) => {
      const framed = await Framed.open(gateway.url, freshRoom())
      if (typeof operation === 'string') framed.send(`${operation},"ref":"x"}`)
      else framed.send({ ...operation, ref: 'x' })
      const error = await framed.next()
      expect(error).toMatchObject({ type: 'error', ref: 'x', code })
      expect(error.message).toEqual(expect.stringMatching(/./))
      expect(await framed.ask({ op: 'publish', data: 'goes on' })).toMatchObject({ type: 'ack' })
    },
  )

  test.each([...notOperations, ...notObjects])('ERR-2 %j is bad_request, and the connection goes on', async (text) => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    expect(await framed.provoke(text)).toMatchObject({ type: 'error', code: 'bad_request' })
    await say(gateway.url, room, 'marker')
    expect(await framed.payloadsUntil('marker')).toEqual([])
  })

  test('ERR-2 a binary message is bad_request, and the connection goes on', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    for (const bytes of [new Uint8Array(), Buffer.from('{"op":"ping"}')]) {
      expect(await framed.provoke(bytes)).toMatchObject({ type: 'error', code: 'bad_request' })
    }
    expect(await framed.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'ack' })
  })

  test('ERR-2 one bad operation of an array is refused alone', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    framed.send([
      { op: 'publish', ref: 1, data: 1, echo: false },
      { op: 'nope', ref: 2 },
      5,
      { op: 'publish', ref: 3, data: 3, echo: false },
    ])
    const answers = [await framed.next(), await framed.next(), await framed.next(), await framed.next()]
    expect(answers.map(({ ref, type, code }) => [ref, type, code]).sort()).toEqual(
      [
        [1, 'ack', undefined],
        [2, 'error', 'unknown_op'],
        [3, 'ack', undefined],
        [undefined, 'error', 'bad_request'],
      ].sort(),
    )
  })

  test('ERR-3 an unknown field of a JSON body is named in the refusal', async () => {
    const { http, code, detail } = await postJson(gateway.url, freshRoom(), { data: 1, tpyo: 1 })
    expect([http, code]).toEqual([400, 'unknown_field'])
    expect(detail).toContain('tpyo')
  })

  describe.each(transports)('$name', (transport) => {
    test('ERR-3 unknown query names are ignored', async () => {
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room, { foo: 'bar', Cursor: '!', presense: 1 })
      const { http } = await postJson(gateway.url, room, { data: 'x' }, { query: { foo: 'bar' } })
      expect(http).toBe(201)
      expect((await reader.messages(1))[0]?.payload).toBe('x')
    })

    test('ERR-4 what one client sends wrongly, the others never see', async () => {
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room)
      const culprit = await Framed.open(gateway.url, room)
      const wrong = wrongOperations.map(({ operation }) =>
        typeof operation === 'string' ? `${operation}}` : operation,
      )
      for (const each of [...wrong, ...notOperations, ...notObjects]) culprit.send(each)
      culprit.socket.send(Buffer.from([1, 2, 3]))
      const oversized = await Framed.open(gateway.url, room)
      oversized.send('x'.repeat(500_000))
      await oversized.closed
      expect(await culprit.ask({ op: 'publish', data: 'marker' })).toMatchObject({ type: 'ack' })
      expect(await reader.payloadsUntil('marker')).toEqual([])
    })
  })

  test('ERR-5 what cannot be mended by coming back closes with 4500 and the error as the reason', async () => {
    const room = freshRoom()
    for (const [query, code] of [
      [{ cursor: '!' }, 'bad_cursor'],
      [{ rewind: 'x' }, 'bad_request'],
      [{ resume: 'short' }, 'bad_request'],
    ] as const) {
      for (const client of [new Framed(gateway.url, room, query), new Plain(gateway.url, room, query)]) {
        const closed = await client.closed
        expect([closed.code, closed.reason.split(/\W/)[0]]).toEqual([4500, code])
      }
    }
  })
})
