import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../targets/target.ts'
import type { ServerEvent } from './clients/events.ts'
import { call, info, say, url, wholeHistory } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { endSession, whoIsHere } from './clients/presence.ts'
import { Framed, Plain, socketUrl } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('several rooms over WebSocket', (gateway) => {
  const open = (rooms: string[], query = {}) => Framed.open(gateway.url, rooms, query)
  const publish = (room: string, data: unknown) => ({ op: 'publish', room, data })

  test('MULTI-5 without Upgrade, or with no subprotocol that tells rooms apart, it is refused', async () => {
    const rooms = [freshRoom()]
    expect(await call(url(gateway.url, rooms, '/ws'))).toMatchObject({ http: 426, code: 'upgrade_required' })
    const closed = await new Plain(gateway.url, rooms).closed
    expect([closed.code, closed.reason.split(/\W/)[0]]).toEqual([4500, 'unknown_protocol'])
    for (const offered of ['holdline.plain', 'other']) {
      const status = await new Promise((resolve) => {
        const socket = new WebSocket(socketUrl(gateway.url, rooms), offered)
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode))
        socket.on('open', () => resolve('open'))
      })
      expect([offered, status]).toEqual([offered, 400])
    }
    const both = new Framed(gateway.url, rooms, {}, ['holdline.plain', 'holdline.v1'])
    await both.opened()
    expect(both.socket.protocol).toBe('holdline.v1')
  })

  test('MULTI-5 each room begins with its welcome, and nothing of a room comes before it', async () => {
    const rooms = range(4).map(freshRoom)
    const last = await Promise.all(rooms.map((room) => say(gateway.url, room, 'before')))
    const framed = await open(rooms, { cursor: rooms.map(() => '0-0').join('.') })
    await framed.messages(4)
    const events = framed.packs.flatMap((pack) => JSON.parse(pack) as ServerEvent[])
    for (const [i, room] of rooms.entries()) {
      const own = events.filter((event) => event.room === room)
      expect(own.map(({ type }) => type)).toEqual(['welcome', 'message'])
      expect(own[0]).toMatchObject({ cursor: '0-0', head: last[i], recovered: true })
      expect(Object.keys(own[0] ?? {}).filter((name) => name === 'room')).toHaveLength(1)
    }
  })

  test('MULTI-6, WS-3, WS-4 operations are for the room that they name', async () => {
    const rooms = range(3).map(freshRoom)
    const [a = '', b = '', c = ''] = rooms
    const framed = await open(rooms)
    const ack = await framed.ask({ op: 'publish', room: b, data: { a: 1 }, id: 'mine' })
    expect(ack).toMatchObject({ type: 'ack', room: b, id: 'mine', cursor: (await info(gateway.url, b)).cursor })
    expect((await framed.messages(1))[0]).toMatchObject({ room: b, id: 'mine', from: framed.welcomes.get(b)?.session })
    framed.send(rooms.map((room, ref) => ({ ...publish(room, room), ref, echo: false })))
    const acks = [await framed.next(), await framed.next(), await framed.next()]
    expect(acks.map(({ ref, room }) => [ref, room]).sort()).toEqual(rooms.map((room, ref) => [ref, room]))
    const page = await framed.ask({ op: 'history', room: b })
    // Its own messages without an echo are not for it.
    expect(page).toMatchObject({ type: 'history', room: b, messages: [{ data: { a: 1 } }] })
    expect((await wholeHistory(gateway.url, a)).map(({ data }) => data)).toEqual([a])
    expect((await wholeHistory(gateway.url, c)).map(({ data }) => data)).toEqual([c])
  })

  test('MULTI-6, DATA-1 what is published keeps its tokens, wherever `room` stands', async () => {
    const [room, other] = [freshRoom(), freshRoom()]
    const framed = await open([room, other])
    const data = '{"room":"x" , "a":[1.0,1e400,{"room":2}],"a":1152921504606846977}'
    framed.send(
      `[{"room":"${other}","op":"publish","data":${data},"r\\u006fom":"${room}"}, {"op":"publish","data":-0.0,"room":"${room}"}]`,
    )
    framed.send(` { "op" : "publish" , "room" : "${room}" , "ref" : "last" , "data" : "}" } `)
    await framed.inbox.until(({ ref }) => ref === 'last')
    expect((await wholeHistory(gateway.url, room)).map(({ raw }) => raw)).toEqual([data, '-0.0', '"}"'])
    expect(await wholeHistory(gateway.url, other)).toEqual([])
  })

  test.each([
    { sent: { op: 'publish', data: 1 }, code: 'bad_request' },
    { sent: { op: 'publish', data: 1, room: 7 }, code: 'bad_request' },
    { sent: { op: 'publish', data: 1, room: 'a/b' }, code: 'bad_room' },
    { sent: { op: 'publish', data: 1, room: 'not-joined' }, code: 'not_found' },
    { sent: { op: 'leave', room: 'not-joined' }, code: 'not_found' },
    { sent: { op: 'leave' }, code: 'bad_request' },
    { sent: { op: 'join' }, code: 'bad_request' },
    { sent: { op: 'join', room: '..' }, code: 'bad_room' },
    { sent: { op: 'join', room: 'joined' }, code: 'bad_request' },
    { sent: { op: 'join', room: 'x', cursor: 'y' }, code: 'bad_cursor' },
    { sent: { op: 'join', room: 'x', rewind: -1 }, code: 'bad_request' },
    { sent: { op: 'join', room: 'x', presence: 'yes' }, code: 'bad_request' },
    { sent: { op: 'join', room: 'x', since: 1 }, code: 'unknown_field' },
    { sent: { op: 'dance', room: 'joined' }, code: 'unknown_op' },
    { sent: { op: 'dance' }, code: 'unknown_op' },
    { sent: {}, code: 'unknown_op' },
    { sent: { op: 'publish', room: 'joined' }, code: 'bad_request' },
    { sent: { op: 'publish', room: 'joined', data: 1, more: 1 }, code: 'unknown_field' },
  ])(
    'MULTI-6, MULTI-7, ERR-2 $sent is answered by $code, with the ref, and the connection goes on',
    async ({ sent, code }) => {
      const framed = await open(['joined'])
      expect(await framed.ask(sent)).toMatchObject({ type: 'error', code })
      expect(await framed.ask({ op: 'publish', room: 'joined', data: 1, echo: false })).toMatchObject({ type: 'ack' })
    },
  )

  test.each(['{', '1', '"x"', '[1]', '[[]]', 'null', new Uint8Array([1, 2])])(
    'ERR-2, MULTI-6 %j is answered by bad_request',
    async (sent) => {
      const framed = await open([freshRoom()])
      expect(await framed.provoke(sent)).toMatchObject({ type: 'error', code: 'bad_request' })
    },
  )

  test('SIZE-2, MULTI-6 more than 256 operations, or more bytes than a message may have', async () => {
    const framed = await open([freshRoom()])
    expect(await framed.provoke(JSON.stringify(range(257).map(() => ({ op: 'ping' }))))).toMatchObject({
      code: 'bad_request',
    })
    framed.send(`[${' '.repeat(65_536 * 6 + 16_384)}]`)
    expect((await framed.closed).code).toBe(1009)
  })

  test('MULTI-6, WS-5 ping needs no room', async () => {
    const framed = await open([freshRoom(), freshRoom()])
    framed.send('{"op":"ping"}')
    await framed.next()
    expect(framed.packs.at(-1)).toBe('[{"type":"pong"}]')
    framed.send([
      { op: 'ping', ref: 1 },
      { op: 'probe', n: 1 },
    ])
    expect(await framed.next()).toEqual({ type: 'pong' })
  })

  describe('MULTI-7 join and leave', () => {
    test('MULTI-7 join adds a room, its welcome bears the ref', async () => {
      const [a, b] = [freshRoom(), freshRoom()]
      const resume = freshSecret()
      const framed = await open([a], { resume })
      await say(gateway.url, b, 'before')
      const welcome = await framed.ask({ op: 'join', room: b })
      const { cursor } = await info(gateway.url, b)
      const { session } = await ask(gateway.url, b, { resume })
      expect(welcome).toMatchObject({ type: 'welcome', room: b, session, cursor, head: cursor, recovered: false })
      await say(gateway.url, b, 'after')
      expect(await framed.messages(1)).toMatchObject([{ room: b, data: 'after' }])
    })

    test('MULTI-7 join resumes with a cursor, or rewinds', async () => {
      const [a, b, c] = [freshRoom(), freshRoom(), freshRoom()]
      const cursors = []
      for (const i of range(4)) cursors.push(await say(gateway.url, b, i))
      for (const i of range(4)) await say(gateway.url, c, i)
      const framed = await open([a])
      expect(await framed.ask({ op: 'join', room: b, cursor: cursors[1] })).toMatchObject({ recovered: true })
      expect((await framed.messages(2)).map(({ room, data }) => [room, data])).toEqual([
        [b, 2],
        [b, 3],
      ])
      await framed.ask({ op: 'join', room: c, rewind: 1 })
      expect((await framed.messages(1)).map(({ room, data }) => [room, data])).toEqual([[c, 3]])
    })

    test('MULTI-7, WS-9 what follows a join in the same breath is done after it', async () => {
      const [a, b] = [freshRoom(), freshRoom()]
      const framed = await open([a])
      framed.send([{ op: 'join', room: b }, ...range(5).map((data) => publish(b, data))])
      expect(
        (await framed.inbox.until(({ data }) => data === 4)).filter(({ type }) => type === 'message'),
      ).toHaveLength(5)
      expect((await wholeHistory(gateway.url, b)).map(({ data }) => data)).toEqual(range(5))
    })

    test('MULTI-7 after left nothing of that room comes, and the others go on', async () => {
      const [a, b] = [freshRoom(), freshRoom()]
      const framed = await open([a, b])
      framed.send(range(50).map((data) => publish(b, data)))
      expect(await framed.ask({ op: 'leave', room: b })).toEqual({ type: 'left', room: b, ref: 'r1' })
      await say(gateway.url, b, 'after')
      await say(gateway.url, a, 'end')
      const heard = await framed.inbox.until(({ data }) => data === 'end')
      const packs = framed.packs.flatMap((pack) => JSON.parse(pack) as ServerEvent[])
      const left = packs.findIndex(({ type }) => type === 'left')
      expect(packs.slice(left + 1).filter(({ room }) => room === b)).toEqual([])
      expect(heard.at(-1)).toMatchObject({ room: a, data: 'end' })
      await eventually('the room is left', async () => (await info(gateway.url, b)).connections?.websocket === 0)
      expect(await framed.ask({ op: 'join', room: b, rewind: 1 })).toMatchObject({ type: 'welcome', room: b })
      expect(await framed.messages(1)).toMatchObject([{ room: b, data: 'after' }])
    })

    test('MULTI-7 it leaves all of its rooms and joins another', async () => {
      const [a, b] = [freshRoom(), freshRoom()]
      const framed = await open([a])
      await framed.ask({ op: 'leave', room: a })
      await framed.ask({ op: 'join', room: b })
      await say(gateway.url, b, 'x')
      expect(await framed.messages(1)).toMatchObject([{ room: b, data: 'x' }])
    })

    test('MULTI-7 a 33rd room is refused until one is left', async () => {
      const rooms = range(32).map(freshRoom)
      const framed = await open(rooms)
      const room = freshRoom()
      expect(await framed.ask({ op: 'join', room })).toMatchObject({ type: 'error', code: 'bad_request', room })
      await framed.ask({ op: 'leave', room: rooms[7] })
      expect(await framed.ask({ op: 'join', room })).toMatchObject({ type: 'welcome', room })
    })

    test('MULTI-7, PRES-1 a joined room has presence as the connection was opened, or as it says', async () => {
      const [a, b, c] = [freshRoom(), freshRoom(), freshRoom()]
      const framed = await open([a], { presence: 1 })
      await framed.ask({ op: 'join', room: b })
      await framed.ask({ op: 'join', room: c, presence: '0' })
      await framed.inbox.until(({ room, action }) => room === b && action === 'sync')
      const counts = await Promise.all([a, b, c].map(async (room) => (await whoIsHere(gateway.url, room)).count))
      expect(counts).toEqual([1, 1, 0])
      expect(await framed.ask({ op: 'presence', room: b, state: { at: 'b' } })).toMatchObject({ type: 'ack', room: b })
      expect((await whoIsHere(gateway.url, b)).members).toMatchObject([{ state: { at: 'b' } }])
      expect((await whoIsHere(gateway.url, a)).members).toEqual([{ session: framed.welcomes.get(a)?.session }])
    })
  })

  test('MULTI-8 a room that ends its part alone ends no other, and can be joined again', async () => {
    const [a, b] = [freshRoom(), freshRoom()]
    const framed = await open([a, b])
    await endSession(gateway.url, b, framed.welcomes.get(b)?.session)
    expect(await framed.next()).toEqual({ type: 'left', room: b, code: 4506, reason: 'disconnected' })
    await say(gateway.url, b, 'missed')
    await say(gateway.url, a, 'still here')
    expect(await framed.messages(1)).toMatchObject([{ room: a, data: 'still here' }])
    await framed.ask({ op: 'join', room: b, cursor: framed.cursors.get(b) })
    expect(await framed.messages(1)).toMatchObject([{ room: b, data: 'missed' }])
  })

  test('MULTI-8, SES-3 a fifth connection takes the place of one room’s oldest, not of the whole', async () => {
    const [rooms, resume] = [[freshRoom(), freshRoom()], freshSecret()]
    const framed = await open(rooms, { resume })
    const others = []
    for (const _ of range(4)) others.push(await Framed.open(gateway.url, `${rooms[1]}`, { resume }))
    expect(await framed.next()).toMatchObject({ type: 'left', room: rooms[1], code: 4505 })
    await say(gateway.url, `${rooms[0]}`, 'x')
    expect(await framed.messages(1)).toMatchObject([{ room: rooms[0], data: 'x' }])
  })

  test.runIf(gateway.target.name === 'workerd')(
    'MULTI-8 a room whose wires are cut is left with advice, and comes back',
    async () => {
      const [a, b] = [freshRoom(), freshRoom()]
      const framed = await open([a, b])
      await say(gateway.url, b, 1)
      await framed.messages(1)
      await gateway.running.evict?.(b, 'close')
      const left = await framed.next()
      expect(left).toMatchObject({ type: 'left', room: b, code: 4012 })
      expect(left.retryAfter).toBeGreaterThan(0)
      await say(gateway.url, b, 2)
      await framed.ask({ op: 'join', room: b, cursor: framed.cursors.get(b) })
      expect(await framed.messages(1)).toMatchObject([{ room: b, data: 2 }])
    },
  )

  test('WS-10, MULTI-5 a close is answered with its own code', async () => {
    const framed = await open([freshRoom()])
    await framed.close(3003, 'bye')
    expect(await framed.closed).toMatchObject({ code: 3003 })
    const bare = await open([freshRoom()])
    await bare.close()
    expect(await bare.closed).toMatchObject({ code: 1005 })
  })
})
