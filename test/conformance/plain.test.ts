import { describe, expect, test } from 'vitest'
import { post, say, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { at } from './cursor.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('plain', (gateway) => {
  test.each([[[]], [['holdline.plain']]])(
    'PLAIN-1 with the subprotocols %j each message reaches all others as it is, and not the sender',
    async (protocols: string[]) => {
      const room = freshRoom()
      const [anna, ben, cleo] = await Promise.all(range(3).map(() => Plain.open(gateway.url, room, {}, protocols)))
      if (!anna || !ben || !cleo) throw new Error('three were opened')
      anna.send('text')
      anna.send(Uint8Array.of(0, 255, 10))
      anna.send('')
      anna.send(new Uint8Array())
      anna.send('{"op":"publish","data":"not an operation here"}')
      const sent = [
        'text',
        Buffer.of(0, 255, 10),
        '',
        Buffer.alloc(0),
        '{"op":"publish","data":"not an operation here"}',
      ]
      for (const other of [ben, cleo]) expect((await other.messages(5)).map(({ payload }) => payload)).toEqual(sent)
      ben.send('end')
      expect(await anna.payloadsUntil('end')).toEqual([])
      expect(await cleo.payloadsUntil('end')).toEqual([])
    },
  )

  test('PLAIN-1 nothing else is ever sent: no welcome, no error, no ack', async () => {
    const room = freshRoom()
    const plain = await Plain.open(gateway.url, room)
    const framed = await Framed.open(gateway.url, room)
    for (const text of ['{', '[', '{"op":"nope"}', '[{"op":"history"}]']) plain.send(text)
    await framed.messages(4)
    await framed.ask({ op: 'publish', data: 'marker' })
    expect(await plain.payloadsUntil('marker')).toEqual([])
  })

  test('PLAIN-2 plain, framed, poll, SSE and HTTP share one room, one log and one order', async () => {
    const room = freshRoom()
    const readers = await Promise.all(transportsOf(gateway).map((transport) => transport.open(gateway.url, room)))
    const sender = await Plain.open(gateway.url, room)
    const framed = await Framed.open(gateway.url, room)
    const wanted: (string | Buffer)[] = []
    for (const i of range(10)) {
      sender.send(`plain ${i}`)
      await framed.messages(1)
      await framed.ask({ op: 'publish', data: `framed ${i}`, echo: false })
      await say(gateway.url, room, `http ${i}`)
      await post(gateway.url, room, undefined, `bytes ${i}`)
      await framed.messages(2)
      wanted.push(`plain ${i}`, `framed ${i}`, `http ${i}`, Buffer.from(`bytes ${i}`))
    }
    for (const reader of readers) expect((await reader.messages(40)).map(({ payload }) => payload)).toEqual(wanted)
    const kept = await wholeHistory(gateway.url, room)
    expect(kept.map(({ payload }) => payload)).toEqual(wanted)
    expect(new Set(kept.filter(({ payload }) => `${payload}`.startsWith('plain')).map(({ from }) => from)).size).toBe(1)
  })

  test('PLAIN-1, PLAIN-2 what plain clients send at once has one order, the same for all', async () => {
    const room = freshRoom()
    const senders = await Promise.all(range(4).map(() => Plain.open(gateway.url, room)))
    const reader = await Plain.open(gateway.url, room)
    for (const i of range(50)) for (const [n, sender] of senders.entries()) sender.send(`${n} ${i}`)
    const order = (await reader.messages(200)).map(({ payload }) => `${payload}`)
    expect((await wholeHistory(gateway.url, room)).map(({ payload }) => payload)).toEqual(order)
    for (const [n, sender] of senders.entries()) {
      const own = order.filter((each) => each.startsWith(`${n} `))
      expect(own).toEqual(range(50).map((i) => `${n} ${i}`))
      const others = order.filter((each) => !each.startsWith(`${n} `))
      expect((await sender.messages(150)).map(({ payload }) => payload)).toEqual(others)
    }
  })

  describe('PLAIN-3', () => {
    test('PLAIN-3 cursor, rewind and resume work', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const cursor = await say(gateway.url, room, 'a')
      for (const data of ['b', 'c']) await say(gateway.url, room, data)
      const byCursor = await Plain.open(gateway.url, room, { cursor })
      expect((await byCursor.messages(2)).map(({ payload }) => payload)).toEqual(['b', 'c'])
      const byRewind = await Plain.open(gateway.url, room, { rewind: 1 })
      expect((await byRewind.messages(1))[0]?.payload).toBe('c')
      const framed = await Framed.open(gateway.url, room, { resume })
      const mine = await Plain.open(gateway.url, room, { resume })
      mine.send('mine')
      // A plain connection's messages go to others, and a session is one participant.
      await byRewind.messages(1)
      expect((await wholeHistory(gateway.url, room)).at(-1)).toMatchObject({
        data: 'mine',
        from: framed.welcome.session,
      })
    })

    test.each([
      { name: 'epoch', cursor: async (room: string) => say(gateway.url, `${room}-other`, 1) },
      { name: 'rolled-back', cursor: async (room: string) => at(await say(gateway.url, room, 1), 50) },
    ])('PLAIN-3 a gap that it cannot be told ($name) closes it with 4502', async ({ cursor }) => {
      const room = freshRoom()
      const forged = await cursor(room)
      await say(gateway.url, room, 'not to be sent')
      const plain = new Plain(gateway.url, room, { cursor: forged })
      const closed = await plain.closed
      expect([closed.code, closed.reason.split(/\W/)[0]]).toEqual([4502, 'gap'])
      expect(plain.inbox.waiting()).toEqual([])
    })
  })
})
