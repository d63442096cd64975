import { describe, expect, test } from 'vitest'
import { call, history, postJson, say, url, wholeHistory } from './clients/http.ts'
import { tellingTransports, transports } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { at, offsetOf } from './cursor.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const malformed = [
  '',
  '0',
  '-',
  'abc',
  '0-',
  '-0',
  'A-1',
  '0_0',
  '0-0 ',
  ' 0-0',
  'é-0',
  '0-0\0',
  'x'.repeat(300),
  '0.0',
  '*',
  '-1',
]

chapter('cursors', (gateway) => {
  test('CUR-1 cursors are of a-z 0-9 - and sort bytewise in the order of the messages', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    // Enough to cross from one digit to two, where the order of numbers and that of texts part ways.
    framed.send(range(200).map((data) => ({ op: 'publish', data, echo: false })))
    framed.send({ op: 'publish', data: 'last' })
    await framed.inbox.until(({ type }) => type === 'message')
    const messages = await wholeHistory(gateway.url, room)
    const cursors = messages.map(({ cursor }) => `${cursor}`)
    expect(messages.map(({ data }) => data)).toEqual([...range(200), 'last'])
    expect(cursors.filter((cursor) => !/^[a-z0-9-]+$/.test(cursor))).toEqual([])
    expect(new Set(cursors).size).toBe(201)
    expect([...cursors].sort(bytewise)).toEqual(cursors)
  })

  test.each(malformed)('CUR-1 %j is no cursor: bad_cursor', async (cursor) => {
    const room = freshRoom()
    for (const address of [
      url(gateway.url, room, '/poll', { cursor }),
      url(gateway.url, room, '/events', { cursor }),
      url(gateway.url, room, '/messages', { after: cursor }),
      url(gateway.url, room, '/messages', { before: cursor }),
    ]) {
      const { http, code } = await call(address)
      expect([address, http, code]).toEqual([address, 400, 'bad_cursor'])
    }
    const { code, reason } = await new Framed(gateway.url, room, { cursor }).closed
    expect([code, reason.split(/\W/)[0]]).toEqual([4500, 'bad_cursor'])
    const framed = await Framed.open(gateway.url, room)
    for (const where of ['after', 'before']) {
      expect(await framed.ask({ op: 'history', [where]: cursor })).toMatchObject({ type: 'error', code: 'bad_cursor' })
    }
  })

  describe.each(transports)('$name', (transport) => {
    test('CUR-2 0-0 is before everything', async () => {
      const room = freshRoom()
      for (const data of ['a', 'b', 'c']) await say(gateway.url, room, data)
      const reader = await transport.open(gateway.url, room, { cursor: '0-0' })
      expect((await reader.messages(3)).map(({ payload }) => payload)).toEqual(['a', 'b', 'c'])
    })

    test('CUR-2 0-0 in a room of which nothing is known is no gap', async () => {
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room, { cursor: '0-0' })
      await say(gateway.url, room, 'first')
      expect((await reader.messages(1))[0]?.payload).toBe('first')
    })
  })

  test('CUR-3 offsets have no holes, whatever was refused, repeated or ephemeral between; time never runs back', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    for (const i of range(40)) {
      framed.send([
        { op: 'publish', id: `m${i}`, data: i },
        { op: 'publish', id: `m${i}`, data: i },
        { op: 'publish', id: `m${i}`, data: 'another' },
        { op: 'publish', data: 'gone', ephemeral: true },
        { op: 'publish', data: 'refused', bytes: 'QQ==' },
      ])
    }
    await Promise.all(range(40).map((i) => postJson(gateway.url, room, { data: `http ${i}` })))
    await say(gateway.url, room, 'last')
    await framed.inbox.until(({ data }) => data === 'last')
    const messages = await wholeHistory(gateway.url, room)
    expect(messages.map(({ cursor }) => offsetOf(`${cursor}`))).toEqual(range(81, 1))
    const times = messages.map(({ time }) => time ?? Number.NaN)
    expect([...times].sort((a, b) => a - b)).toEqual(times)
    expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test('CUR-4 a message has one cursor: in its acks, on each transport, in history', async () => {
    const room = freshRoom()
    const readers = await Promise.all(tellingTransports.map((transport) => transport.open(gateway.url, room)))
    const framed = await Framed.open(gateway.url, room)
    const acked = [await say(gateway.url, room, 'http'), (await framed.ask({ op: 'publish', data: 'framed' })).cursor]
    for (const reader of [...readers, framed]) {
      expect((await reader.messages(2)).map(({ cursor }) => cursor)).toEqual(acked)
    }
    const kept = await history(gateway.url, room)
    expect(kept.messages.map(({ cursor }) => cursor)).toEqual(acked)
    const asked = await framed.ask({ op: 'history' })
    expect(asked.messages?.map(({ cursor }) => cursor)).toEqual(acked)
  })

  describe.each(tellingTransports)('$name', (transport) => {
    test('CUR-5 on a resume the cursor is the own one of the client, and head is apart', async () => {
      const room = freshRoom()
      const [first, , last] = [
        await say(gateway.url, room, 1),
        await say(gateway.url, room, 2),
        await say(gateway.url, room, 3),
      ]
      const { welcome, cursor } = await transport.open(gateway.url, room, { cursor: first })
      expect(welcome.head).toBe(last)
      // A poll's cursor is that of its page, so it has moved with the messages beside it.
      expect(welcome.cursor).toBe(transport.name === 'poll' ? cursor : first)
    })

    test('CUR-5 from now, the cursor is the head', async () => {
      const room = freshRoom()
      const last = await say(gateway.url, room, 1)
      const { welcome } = await transport.open(gateway.url, room)
      expect([welcome.cursor, welcome.head]).toEqual([last, last])
    })
  })

  test('CUR-5 an ack moves nothing: what was acked and not received comes on the resume', async () => {
    const room = freshRoom()
    const resume = freshSecret()
    const framed = await Framed.open(gateway.url, room, { resume })
    const start = framed.welcome.cursor
    await framed.ask({ op: 'publish', data: 'mine' })
    await framed.close()
    const back = await Framed.open(gateway.url, room, { resume, cursor: start })
    expect((await back.messages(1))[0]?.payload).toBe('mine')
  })

  test('CUR-4 the suite can read a cursor, which no client should', async () => {
    const room = freshRoom()
    const cursors = [await say(gateway.url, room, 1), await say(gateway.url, room, 2)] as const
    expect(at(cursors[0], 2)).toBe(cursors[1])
  })
})

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
