import { describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { type Answer, call, say, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { offsetOf } from './cursor.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('batch', (gateway) => {
  const publish = (body: unknown): Promise<Answer> =>
    call(`${gateway.url}/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  test('BATCH-1 one request publishes to many rooms, and answers each message in order', async () => {
    const rooms = range(10).map(freshRoom)
    const messages = range(100).map((i) => ({ room: rooms[i % 7], data: i, id: `id-${i}` }))
    const { http, results = [] } = await publish({ messages })
    expect([http, results.length]).toEqual([200, 100])
    for (const room of rooms) {
      const own = range(100).filter((i) => messages[i]?.room === room)
      const kept = await wholeHistory(gateway.url, room)
      expect(kept.map(({ data, id }) => [data, id])).toEqual(own.map((i) => [i, `id-${i}`]))
      expect(kept.map(({ cursor }) => cursor)).toEqual(own.map((i) => results[i]?.cursor))
    }
    expect(results.map(({ id }) => id)).toEqual(messages.map(({ id }) => id))
  })

  test('BATCH-3 `resume` names the session that publishes, in each room', async () => {
    const [one, other] = [freshRoom(), freshRoom()]
    const resume = freshSecret()
    const reader = await Framed.open(gateway.url, [one, other], { resume })
    const messages = [one, other].map((room) => ({ room, data: room }))
    const send = (query = '') =>
      call(`${gateway.url}/v1/publish${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: messages.map((each) => ({ ...each, id: 'mine' })) }),
      })
    expect((await send(`?resume=${resume}`)).http).toBe(200)
    const heard = await reader.messages(2)
    for (const { room = '', from } of heard) expect(from).toBe(reader.welcomes.get(room)?.session)
    // An id is one of its session's.
    const { results = [] } = await send(`?resume=${freshSecret()}`)
    expect(results.map(({ duplicate }) => duplicate)).toEqual([undefined, undefined])
    expect(await send('?resume=short')).toMatchObject({ http: 400, code: 'bad_request' })
  })

  describe.each(transportsOf(gateway))('$name', ({ open }) => {
    test('BATCH-2 followers hear the messages of a batch in its order', async () => {
      const [room, other] = [freshRoom(), freshRoom()]
      const reader = await open(gateway.url, room)
      const messages = range(30).map((i) => ({ room: i % 3 ? room : other, data: `${i}` }))
      await publish({ messages })
      const wanted = messages.filter((each) => each.room === room).map(({ data }) => data)
      expect((await reader.messages(wanted.length)).map(({ payload }) => payload)).toEqual(wanted)
    })
  })

  test('BATCH-1 each message may be what PUB-1 allows: bytes, an event, an audience, ephemeral, raw tokens', async () => {
    const room = freshRoom()
    const [anna, ben] = [await Framed.open(gateway.url, room), await Framed.open(gateway.url, room)]
    const { results = [] } = await publish(
      `{"messages":[{"room":"${room}","data":1.0,"event":"e"},{"room":"${room}","bytes":"AQI="},
       {"room":"${room}","data":"psst","to":{"sessions":["${anna.welcome.session}"]}},
       {"room":"${room}","data":"gone","ephemeral":true},{"room":"${room}","data":"end"}]}`,
    )
    expect(results.map(({ cursor, code }) => [cursor !== undefined, code])).toEqual([
      [true, undefined],
      [true, undefined],
      [true, undefined],
      [false, undefined],
      [true, undefined],
    ])
    const heard = await anna.messages(5)
    expect(heard[0]).toMatchObject({ raw: '1.0', event: 'e', cursor: results[0]?.cursor })
    expect(heard.map(({ payload }) => payload)).toEqual(['1.0', Buffer.from([1, 2]), 'psst', 'gone', 'end'])
    expect(await ben.payloadsUntil('end')).toEqual(['1.0', Buffer.from([1, 2]), 'gone'])
  })

  test('BATCH-2 a malformed message is refused by itself, under the code that it would get alone', async () => {
    const room = freshRoom()
    const bad = [
      [{ room, dta: 1 }, 'unknown_field'],
      [{ room }, 'bad_request'],
      [{ room, data: 1, bytes: 'AA==' }, 'bad_request'],
      [{ room: 'a b', data: 1 }, 'bad_room'],
      [{ room: '..', data: 1 }, 'bad_room'],
      [{ data: 1 }, 'bad_request'],
      [{ room: 7, data: 1 }, 'bad_request'],
      [{ room, data: '\ud800' }, 'not_unicode'],
      [{ room, data: 'x'.repeat(65_537) }, 'too_large'],
      [{ room, data: 1, id: 'a b' }, 'bad_request'],
      [{ room, data: 1, to: {} }, 'bad_request'],
      ['text', 'bad_request'],
      [null, 'bad_request'],
      [[], 'bad_request'],
    ] as const
    const messages = bad.flatMap(([each], i) => [each, { room, data: i }])
    const { http, results = [] } = await publish({ messages })
    expect(http).toBe(200)
    expect(results.filter((_, i) => i % 2 === 0).map(({ code }) => code)).toEqual(bad.map(([, code]) => code))
    for (const { code, message } of results) expect(message === undefined).toBe(code === undefined)
    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(bad.length))
  })

  test('BATCH-1, PUB-5 a batch sent again publishes nothing again; other content under an id is refused by itself', async () => {
    const [room, other] = [freshRoom(), freshRoom()]
    const messages = range(6).map((i) => ({ room: i % 2 ? room : other, data: i, id: `id-${i}` }))
    const first = (await publish({ messages })).results ?? []
    const again = (await publish({ messages })).results ?? []
    expect(again).toEqual(first.map(({ cursor, id }) => ({ cursor, id, duplicate: true })))
    const mixed = await publish({ messages: [{ ...messages[0], data: 'changed' }, messages[1], { room, data: 'new' }] })
    expect(mixed.results).toMatchObject([{ code: 'id_reused' }, { duplicate: true }, { id: expect.any(String) }])
    const twice = { room, data: 'twice', id: 'twice' }
    const within = (await publish({ messages: [twice, twice, { ...twice, data: 'other' }] })).results ?? []
    expect(within).toMatchObject([
      { id: 'twice' },
      { cursor: within[0]?.cursor, duplicate: true },
      { code: 'id_reused' },
    ])
    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual([1, 3, 5, 'new', 'twice'])
  })

  test('BATCH-2 messages of one batch stand together in the log, whoever else publishes meanwhile', async () => {
    const room = freshRoom()
    const batches = range(20).map((b) => publish({ messages: range(20).map((i) => ({ room, data: [b, i] })) }))
    const singles = range(20).map((i) => say(gateway.url, room, i))
    await Promise.all(singles)
    for (const { results = [] } of await Promise.all(batches)) {
      const offsets = results.map(({ cursor }) => offsetOf(`${cursor}`))
      expect(offsets).toEqual(range(20, offsets[0]))
    }
    expect(await wholeHistory(gateway.url, room)).toHaveLength(420)
  })

  test('BATCH-2 killed amid batches, it keeps each as a whole or not at all, and all that it acknowledged', async () => {
    const rooms = range(3).map(freshRoom)
    const acknowledged: number[] = []
    const size = 30
    const publishing = (async () => {
      for (const batch of range(100_000)) {
        const messages = range(size * rooms.length).map((i) => ({ room: rooms[i % rooms.length], data: batch }))
        const { results = [] } = await publish({ messages })
        expect(results).toHaveLength(messages.length)
        if (results.every(({ cursor }) => cursor !== undefined)) acknowledged.push(batch)
      }
    })().catch((error) => (error instanceof TypeError ? 'cut off' : error))
    await eventually('some are written', () => acknowledged.length >= 5)
    await gateway.running.crash()
    expect(await publishing).toBe('cut off')
    for (const room of rooms) {
      const kept = (await wholeHistory(gateway.url, room)).map(({ data }) => data as number)
      const batches = [...new Set(kept)]
      expect(kept).toEqual(batches.flatMap((batch) => range(size).map(() => batch)))
      expect(batches.slice(0, acknowledged.length)).toEqual(acknowledged)
    }
  })

  test.each([
    { name: 'nothing', body: '', code: 'bad_request' },
    { name: 'no JSON', body: '{"messages":[', code: 'bad_request' },
    { name: 'an array', body: '[]', code: 'bad_request' },
    { name: 'null', body: 'null', code: 'bad_request' },
    { name: 'no messages', body: '{}', code: 'bad_request' },
    { name: 'none of them', body: '{"messages":[]}', code: 'bad_request' },
    { name: 'an object of them', body: '{"messages":{"0":1}}', code: 'bad_request' },
    { name: 'an unknown field', body: '{"messages":[{"room":"r","data":1}],"x":1}', code: 'unknown_field' },
    {
      name: '101',
      body: JSON.stringify({ messages: range(101).map((i) => ({ room: 'r', data: i })) }),
      code: 'bad_request',
    },
  ])('BATCH-1 a body of $name is refused as a whole', async ({ body, code }) => {
    expect(await publish(body)).toMatchObject({ http: 400, code })
  })
})
