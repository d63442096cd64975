import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { call, history, say, url, wholeHistory } from './clients/http.ts'
import { FRAMED_HEADER, frame, handshake, RawClient } from './clients/raw.ts'
import { Framed, Plain, socketUrl } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('websocket', (gateway) => {
  test('WS-1 operations come in an array or bare; events always in an array', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    framed.send({ op: 'publish', ref: 1, data: 1, echo: false })
    framed.send([{ op: 'publish', ref: 2, data: 2, echo: false }])
    framed.send([])
    framed.send(' [ { "op" : "ping" , "ref" : 3 } ] ')
    // A pong needs no commit, so it may overtake an ack.
    const answers = [await framed.next(), await framed.next(), await framed.next()]
    expect(answers.map(({ type, ref }) => `${type} ${ref}`).sort()).toEqual(['ack 1', 'ack 2', 'pong undefined'])
    for (const pack of framed.packs) expect(Array.isArray(JSON.parse(pack))).toBe(true)
  })

  test.each([
    { offered: ['holdline.v1'], taken: 'holdline.v1' },
    { offered: ['unknown', 'holdline.v1'], taken: 'holdline.v1' },
    { offered: ['holdline.plain'], taken: 'holdline.plain' },
    { offered: ['holdline.plain', 'other'], taken: 'holdline.plain' },
    { offered: [], taken: '' },
  ])('WS-1, PLAIN-1 of the subprotocols $offered it takes "$taken"', async ({ offered, taken }) => {
    const client = await Plain.open(gateway.url, freshRoom(), {}, offered)
    expect(client.socket.protocol).toBe(taken)
  })

  test('WS-2 the first event is welcome, with all its fields', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const cursor = await say(gateway.url, room, 1)
    const { welcome, packs } = await Framed.open(gateway.url, room, { resume })
    expect(packs[0]).toMatch(/^\[\{"type":"welcome"/)
    expect(welcome).toMatchObject({ type: 'welcome', room, cursor, head: cursor, recovered: false })
    expect(welcome.session).toEqual(expect.stringMatching(/./))
    expect(welcome.heartbeat).toBeGreaterThan(0)
  })

  test('WS-2 recovered tells whether a cursor was given and no gap follows', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 1)
    const foreign = await say(gateway.url, freshRoom(), 1)
    const recovered = async (query: Record<string, string | number>) =>
      (await Framed.open(gateway.url, room, query)).welcome.recovered
    expect(await recovered({ cursor })).toBe(true)
    expect(await recovered({ cursor: '0-0' })).toBe(true)
    expect(await recovered({ cursor: foreign })).toBe(false)
    expect(await recovered({ rewind: 1 })).toBe(false)
  })

  test('WS-3 publish is answered by an ack after the commit, and the publisher receives its own message', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    const ack = await framed.ask({ op: 'publish', data: { a: 1 }, id: 'mine', event: 'e' })
    expect((await wholeHistory(gateway.url, room))[0]).toMatchObject({ cursor: ack.cursor, id: 'mine', event: 'e' })
    const [own] = await framed.messages(1)
    expect(own).toMatchObject({
      cursor: ack.cursor,
      id: 'mine',
      from: framed.welcome.session,
      event: 'e',
      data: { a: 1 },
    })
    expect(own?.time).toBeGreaterThan(1_600_000_000_000)
    expect(ack).toMatchObject({ type: 'ack', id: 'mine' })
  })

  test('WS-3 with echo false the publisher does not, and without a ref the ack has none', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    framed.send({ op: 'publish', data: 'quiet', echo: false })
    const ack = await framed.next()
    expect([ack.type, ack.ref]).toEqual(['ack', undefined])
    await framed.ask({ op: 'publish', data: 'loud' })
    expect(await framed.payloadsUntil('loud')).toEqual([])
  })

  test('WS-4 history is answered as over HTTP', async () => {
    const room = freshRoom()
    const cursors: string[] = []
    for (const i of range(10)) cursors.push(await say(gateway.url, room, i))
    const framed = await Framed.open(gateway.url, room)
    for (const query of [
      {},
      { limit: 3 },
      { after: cursors[2] },
      { before: cursors[5], limit: 2 },
      { after: cursors[1], before: cursors[8], limit: 4 },
    ]) {
      const { type: _, ref: __, ...answer } = await framed.ask({ op: 'history', ...query })
      expect(answer).toEqual(await history(gateway.url, room, query))
    }
  })

  test('WS-5 ping is answered by pong, in an array of operations too', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    framed.send({ op: 'ping' })
    expect(await framed.next()).toMatchObject({ type: 'pong' })
    expect(framed.packs.at(-1)).toBe('[{"type":"pong"}]')
    framed.send([{ op: 'ping' }, { op: 'ping', ref: 1 }])
    expect([await framed.next(), await framed.next()]).toMatchObject([{ type: 'pong' }, { type: 'pong' }])
  })

  test('WS-5 the exact bytes of ping are answered on plain connections and reach nobody; any other text does', async () => {
    const room = freshRoom()
    const [plain, other] = [await Plain.open(gateway.url, room), await Plain.open(gateway.url, room)]
    plain.send('{"op":"ping"}')
    expect((await plain.messages(1))[0]?.payload).toBe('[{"type":"pong"}]')
    plain.send('{"op": "ping"}')
    plain.send(Buffer.from('{"op":"ping"}'))
    expect((await other.messages(2)).map(({ payload }) => `${payload}`)).toEqual(['{"op": "ping"}', '{"op":"ping"}'])
  })

  test('WS-6 a probe is taken without an answer', async () => {
    const framed = await Framed.open(gateway.url, freshRoom())
    framed.send([
      { op: 'probe', n: 0 },
      { op: 'probe', n: 1 },
    ])
    framed.send({ op: 'publish', data: 'marker' })
    expect((await framed.next()).type).toMatch(/^(ack|message)$/)
  })

  test('WS-7 without Upgrade it is 426', async () => {
    expect(await call(url(gateway.url, freshRoom(), '/ws'))).toMatchObject({ http: 426, code: 'upgrade_required' })
  })

  test.each([['unknown'], ['holdline.v2', 'graphql-ws'], ['HOLDLINE.V1']])(
    'WS-7 the subprotocols %s are refused',
    async (...offered) => {
      const socket = new WebSocket(socketUrl(gateway.url, freshRoom()), offered)
      const [status, body] = await new Promise<[number | undefined, string]>((resolve, reject) => {
        socket.on('open', () => reject(new Error('it was accepted')))
        socket.on('unexpected-response', (_, response) => {
          let text = ''
          response.on('data', (chunk) => {
            text += chunk
          })
          response.on('end', () => resolve([response.statusCode, text]))
        })
      })
      expect([status, JSON.parse(body).code]).toEqual([400, 'unknown_protocol'])
    },
  )

  test.each([
    { name: 'room', room: 'a b', query: {}, code: 'bad_room' },
    { name: 'cursor', room: 'good', query: { cursor: '!' }, code: 'bad_cursor' },
    { name: 'rewind', room: 'good', query: { rewind: -1 }, code: 'bad_request' },
    { name: 'resume', room: 'good', query: { resume: 'x' }, code: 'bad_request' },
  ])('WS-8 a malformed $name: accept, closing, close with 4500 and $code', async ({ room, query, code }) => {
    const framed = new Framed(gateway.url, room, query)
    const closed = await framed.closed
    expect(closed.code).toBe(4500)
    expect(closed.reason.split(/\W/)[0]).toBe(code)
    expect(await framed.next()).toMatchObject({ type: 'closing', code: 4500, reason: closed.reason })
    const plain = new Plain(gateway.url, room, query)
    expect(await plain.closed).toEqual(closed)
    expect(plain.inbox.waiting()).toEqual([])
  })

  test('WS-9 frames sent together with the handshake are answered in order, after the welcome', async () => {
    const room = freshRoom()
    const raw = new RawClient(gateway.url)
    const early = range(20).map((ref) => frame(JSON.stringify({ op: 'publish', ref, data: ref, echo: false })))
    raw.write(handshake(gateway.url, room, FRAMED_HEADER), ...early)
    const text = await raw.until('"ref":19')
    expect([...text.matchAll(/"ref":(\d+)/g)].map(([, ref]) => Number(ref))).toEqual(range(20))
    expect(text.indexOf('"welcome"')).toBeLessThan(text.indexOf('"ack"'))
    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(20))
  })

  test('WS-9 plain messages sent together with the handshake reach the others', async () => {
    const room = freshRoom()
    const other = await Plain.open(gateway.url, room)
    const raw = new RawClient(gateway.url)
    raw.write(handshake(gateway.url, room), frame('early'), frame('bird'))
    expect((await other.messages(2)).map(({ payload }) => payload)).toEqual(['early', 'bird'])
  })

  describe.each([
    { name: 'framed', open: Framed.open },
    { name: 'plain', open: Plain.open },
  ])('$name', ({ open }) => {
    test.each([1000, 1001, 3000, 4321])('WS-10 a close with %i is answered with it', async (code) => {
      const client = await open(gateway.url, freshRoom())
      client.socket.close(code, 'bye')
      expect((await client.closed).code).toBe(code)
    })

    test('WS-10 a close without a code is answered without one', async () => {
      const client = await open(gateway.url, freshRoom())
      client.socket.close()
      expect((await client.closed).code).toBe(1005)
    })

    test('WS-10 who is cut off harms nobody', async () => {
      const room = freshRoom()
      const [client, other] = [await open(gateway.url, room), await open(gateway.url, room)]
      client.socket.terminate()
      expect((await client.closed).code).toBe(1006)
      await say(gateway.url, room, 'still here')
      expect((await other.messages(1))[0]?.payload).toBe('still here')
    })
  })
})
