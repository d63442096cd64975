import { describe, expect, test } from 'vitest'
import { type Answer, call, history, post, postJson, say, url, wholeHistory } from './clients/http.ts'
import { transports } from './clients/index.ts'
import * as poll from './clients/poll.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const notBodies = [
  '',
  ' ',
  'null',
  '5',
  '"data"',
  '[]',
  '[{"data":1}]',
  '{',
  '{"data":}',
  '{"data":1,}',
  '{"data":01}',
  "{'data':1}",
  '{"data":1} {}',
]
const neitherOrBoth = ['{}', '{"id":"x"}', '{"data":1,"bytes":"QQ=="}', '{"data":null,"bytes":"QQ=="}']
const wrongTypes = [
  '"id":5',
  '"id":null',
  '"event":5',
  '"to":[]',
  '"to":"x"',
  '"to":{"sessions":"x"}',
  '"except":"x"',
  '"except":[5]',
  '"echo":0',
  '"ephemeral":"yes"',
]

chapter('publish', (gateway) => {
  test.each([...notBodies, ...neitherOrBoth])('PUB-1 the JSON body %j is bad_request', async (body) => {
    const { http, code } = await postJson(gateway.url, freshRoom(), body)
    expect([http, code]).toEqual([400, 'bad_request'])
  })

  test.each(wrongTypes)('PUB-1 a JSON body with %s is bad_request', async (field) => {
    const { http, code } = await postJson(gateway.url, freshRoom(), `{"data":1,${field}}`)
    expect([http, code]).toEqual([400, 'bad_request'])
  })

  test('PUB-1 the fields reach the message, and a null is data', async () => {
    const room = freshRoom()
    await postJson(
      gateway.url,
      room,
      { data: null, id: 'one', event: 'two' },
      { headers: { 'content-type': 'application/json; charset=UTF-8' } },
    )
    const [message] = (await history(gateway.url, room)).messages
    expect(message).toMatchObject({ data: null, id: 'one', event: 'two' })
  })

  test.each(['text/plain', 'text/html', 'text/plain; charset=utf-8', 'TEXT/Plain'])(
    'PUB-2 %s is text, byte for byte',
    async (type) => {
      const room = freshRoom()
      const body = '\ufeff<b>"é"</b>\r\n\0'
      expect((await post(gateway.url, room, type, body)).http).toBe(201)
      expect((await history(gateway.url, room)).messages.map(({ data }) => data)).toEqual([body])
    },
  )

  test.each(['application/octet-stream', 'image/png', 'application/xml', 'application/jsonx', undefined])(
    'PUB-2 %s is bytes',
    async (type) => {
      const room = freshRoom()
      expect((await post(gateway.url, room, type, '{"data":1}')).http).toBe(201)
      const [message] = (await history(gateway.url, room)).messages
      expect(message?.bytes).toBe(Buffer.from('{"data":1}').toString('base64'))
    },
  )

  test('PUB-3 the answer is 201 with a cursor and an id, the client’s or the server’s own', async () => {
    const room = freshRoom()
    const mine = await postJson(gateway.url, room, { data: 1, id: 'mine' })
    const made = await postJson(gateway.url, room, { data: 2 })
    const another = await postJson(gateway.url, room, { data: 2 })
    expect([mine.http, made.http, another.http]).toEqual([201, 201, 201])
    expect(mine.id).toBe('mine')
    expect(made.id).toMatch(/^[!-~]{1,128}$/)
    expect(another.id).not.toBe(made.id)
    const { messages } = await history(gateway.url, room)
    expect(messages.map(({ cursor, id }) => ({ cursor, id }))).toEqual(
      [mine, made, another].map(({ cursor, id }) => ({ cursor, id })),
    )
  })

  test('PUB-4 the header Idempotency-Key is an id, for text and bytes too', async () => {
    const room = freshRoom()
    const key = (id: string) => ({ headers: { 'idempotency-key': id } })
    const ids = [
      (await post(gateway.url, room, 'text/plain', 'x', key('a'))).id,
      (await post(gateway.url, room, undefined, 'x', key('b'))).id,
      (await postJson(gateway.url, room, { data: 1 }, key('c'))).id,
      (await postJson(gateway.url, room, { data: 1, id: 'd' }, key('d'))).id,
    ]
    expect(ids).toEqual(['a', 'b', 'c', 'd'])
    expect(await postJson(gateway.url, room, { data: 1, id: 'e' }, key('f'))).toMatchObject({
      http: 400,
      code: 'bad_request',
    })
    expect(await post(gateway.url, room, 'text/plain', 'x', key('a b'))).toMatchObject({
      http: 400,
      code: 'bad_request',
    })
  })

  test('PUB-5 the same id with the same content is a duplicate with the first cursor, over HTTP and framed', async () => {
    const room = freshRoom()
    const resume = freshSecret()
    const framed = await Framed.open(gateway.url, room, { resume })
    const options = { query: { resume } }
    const first = await postJson(gateway.url, room, { data: { a: 1 }, id: 'once' }, options)
    await say(gateway.url, room, 'between')
    const again = await postJson(gateway.url, room, { data: { a: 1 }, id: 'once' }, options)
    expect(again).toMatchObject({ http: 200, id: 'once', cursor: first.cursor, duplicate: true })
    const ack = await framed.ask({ op: 'publish', data: { a: 1 }, id: 'once' })
    expect(ack).toMatchObject({ type: 'ack', id: 'once', cursor: first.cursor, duplicate: true })
    expect(first.duplicate).toBeUndefined()
    expect((await history(gateway.url, room)).messages).toHaveLength(2)
  })

  test.each([
    { name: 'data', other: { data: 2 } },
    { name: 'the kind of data', other: { bytes: 'MQ==' } },
    { name: 'an event', other: { data: 1, event: 'x' } },
  ])('PUB-5 the same id with $name changed is 409 id_reused', async ({ other }) => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    await framed.ask({ op: 'publish', data: 1, id: 'once' })
    await postJson(gateway.url, room, { data: 1, id: 'once' })
    expect(await postJson(gateway.url, room, { ...other, id: 'once' })).toMatchObject({ http: 409, code: 'id_reused' })
    expect(await framed.ask({ op: 'publish', ...other, id: 'once' })).toMatchObject({
      type: 'error',
      code: 'id_reused',
    })
    expect((await history(gateway.url, room)).messages).toHaveLength(2)
  })

  test('PUB-5 an id belongs to its publisher: two sessions and nobody may each use it', async () => {
    const room = freshRoom()
    const publishers = [{ resume: freshSecret() }, { resume: freshSecret() }, {}]
    for (const query of publishers)
      expect((await postJson(gateway.url, room, { data: 1, id: 'x' }, { query })).http).toBe(201)
    for (const query of publishers)
      expect((await postJson(gateway.url, room, { data: 1, id: 'x' }, { query })).http).toBe(200)
  })

  test('PUB-5 of many that publish the same id at once, one is first', async () => {
    const room = freshRoom()
    const answers = await Promise.all(range(20).map(() => postJson(gateway.url, room, { data: 1, id: 'x' })))
    expect(answers.map(({ http }) => http).sort()).toEqual([...range(19).map(() => 200), 201])
    expect(new Set(answers.map(({ cursor }) => cursor)).size).toBe(1)
    expect(await wholeHistory(gateway.url, room)).toHaveLength(1)
  })

  test('PUB-6 resume names the session, and without it there is no from', async () => {
    const room = freshRoom()
    const resume = freshSecret()
    const { session } = await poll.ask(gateway.url, room, { resume })
    await say(gateway.url, room, 1, { resume })
    await say(gateway.url, room, 2)
    const { messages } = await history(gateway.url, room)
    expect(session).toEqual(expect.stringMatching(/./))
    expect(messages.map((message) => ['from' in message, message.from])).toEqual([
      [true, session],
      [false, undefined],
    ])
    expect(await postJson(gateway.url, room, { data: 1 }, { query: { resume: 'short' } })).toMatchObject({
      http: 400,
      code: 'bad_request',
    })
  })

  describe.each(transports)('$name', (transport) => {
    test('PUB-7 an ephemeral message reaches those attached, in order, and is never logged', async () => {
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room)
      const framed = await Framed.open(gateway.url, room)
      // A poll is attached while it is held: only then is there anybody to hear what is not kept.
      if (transport.name === 'poll') await held(gateway.url, room)
      framed.send([
        { op: 'publish', ref: 1, data: 'typing', ephemeral: true, echo: false },
        { op: 'publish', ref: 2, data: 'said', echo: false },
      ])
      const ack = await framed.next()
      expect(ack).toMatchObject({ type: 'ack', ref: 1 })
      expect(ack.cursor).toBeUndefined()
      const [typing, said] = await reader.messages(2)
      expect([typing?.payload, typing?.cursor, said?.payload]).toEqual(['typing', undefined, 'said'])
      expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(['said'])
    })
  })

  test('PUB-7 over HTTP an ephemeral message is answered by 202 with its id', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    const { http, id, cursor } = await postJson(gateway.url, room, { data: 'x', ephemeral: true })
    expect([http, cursor]).toEqual([202, undefined])
    const [message] = await framed.messages(1)
    expect([message?.payload, message?.id]).toEqual(['x', id])
    const empty = await call(url(gateway.url, room))
    expect(empty.cursor).toBe('0-0')
  })

  test('PUB-9 a body over the limit is refused, also when its length is not told beforehand', async () => {
    const room = freshRoom()
    expect(await pour(gateway.url, room)).toMatchObject({ http: 413, code: 'too_large' })
    expect(await post(gateway.url, room, undefined, new Uint8Array(2_000_000))).toMatchObject({
      http: 413,
      code: 'too_large',
    })
  })

  test('PUB-9 what follows on the connection of a refused body is answered', async () => {
    const room = freshRoom()
    for (const i of range(10)) {
      expect((await pour(gateway.url, room)).http).toBe(413)
      await say(gateway.url, room, i)
    }
    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(10))
  })

  test('PUB-9 publishers faster than the commits are told busy; what was acknowledged is kept, and nothing else', async () => {
    const room = freshRoom()
    const data = 'x'.repeat(60_000)
    const answers = await Promise.all(range(200).map((i) => postJson(gateway.url, room, { data: `${i} ${data}` })))
    const taken = answers.filter(({ http }) => http === 201)
    for (const { http, code, headers } of answers.filter((answer) => !taken.includes(answer))) {
      expect([http, code]).toEqual([429, 'busy'])
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const kept = await wholeHistory(gateway.url, room)
    expect(kept.map(({ cursor }) => cursor)).toEqual(taken.map(({ cursor }) => cursor).sort())
    expect(await say(gateway.url, room, 'goes on')).toBeDefined()
  })
})

/** Publishes 1 MB without saying so beforehand. */
function pour(base: string, room: string): Promise<Answer> {
  const piece = new Uint8Array(10_000)
  let left = 100
  const body = new ReadableStream({
    pull: (controller) => (left-- > 0 ? controller.enqueue(piece) : controller.close()),
  })
  return call(url(base, room, '/messages'), { method: 'POST', body, duplex: 'half' } as RequestInit)
}

/** Until a poll is held. Asking is all that a client can do; the count is what decides. */
async function held(base: string, room: string): Promise<void> {
  for (;;) {
    const { connections } = await call(url(base, room))
    if (connections?.poll === 1) return
  }
}
