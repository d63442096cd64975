import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { call, info, say, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { endSession } from './clients/presence.ts'
import { Stream } from './clients/sse.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('several rooms over HTTP', (gateway) => {
  const connected = (kind: 'poll' | 'sse', rooms: string[], count: number) =>
    eventually(`each room has ${count} ${kind}`, async () => {
      const all = await Promise.all(rooms.map((room) => info(gateway.url, room)))
      return all.every(({ connections }) => connections?.[kind] === count)
    })

  test('MULTI-9 without a cursor a poll answers at once, with where to start in each room', async () => {
    const rooms = range(3).map(freshRoom)
    const head = await say(gateway.url, `${rooms[1]}`, 'before')
    const answer = await ask(gateway.url, rooms, { wait: 55 })
    expect(answer).toMatchObject({ http: 200, events: [], advice: { after: 0 } })
    expect(answer.rooms).toEqual(
      rooms.map((room, i) => {
        const cursor = i === 1 ? head : '0-0'
        return { room, session: expect.any(String), cursor, head: cursor }
      }),
    )
    expect(answer.resume).toMatch(/^[A-Za-z0-9_-]{22,128}$/)
    expect(answer.advice?.wait).toBeGreaterThan(0)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    const known = await ask(gateway.url, rooms, { resume: answer.resume, wait: 0 })
    expect(known.rooms?.map(({ session }) => session)).toEqual(answer.rooms?.map(({ session }) => session))
    expect(known.resume).toBeUndefined()
  })

  test('MULTI-9 what stands after one of the cursors is answered at once, whatever the wait', async () => {
    const rooms = range(4).map(freshRoom)
    const { cursor } = await ask(gateway.url, rooms)
    for (const wait of [0, 55]) {
      await say(gateway.url, `${rooms[2]}`, wait)
      const answer = await ask(gateway.url, rooms, { cursor, wait })
      expect(answer.events.at(-1)).toMatchObject({ room: rooms[2], data: wait })
      const [moved] = answer.rooms?.filter(({ room }) => room === rooms[2]) ?? []
      expect(moved).toMatchObject({ cursor: answer.events.at(-1)?.cursor, head: answer.events.at(-1)?.cursor })
      expect(answer.rooms?.filter(({ room, cursor }) => room !== rooms[2] && cursor === '0-0')).toHaveLength(3)
    }
  })

  test('MULTI-9 it collects what all rooms have, in the order of the list', async () => {
    const rooms = range(5).map(freshRoom)
    const { cursor } = await ask(gateway.url, rooms)
    for (const data of [1, 2]) await Promise.all(rooms.map((room) => say(gateway.url, room, data)))
    const { events } = await ask(gateway.url, rooms, { cursor, wait: 55 })
    expect(events.map(({ room, data }) => [room, data])).toEqual(
      rooms.flatMap((room) => [
        [room, 1],
        [room, 2],
      ]),
    )
  })

  test('MULTI-9, POLL-3 else it is held until one of them speaks, or its time is over', async () => {
    const rooms = range(3).map(freshRoom)
    const { cursor } = await ask(gateway.url, rooms)
    const held = ask(gateway.url, rooms, { cursor, wait: 55 })
    await connected('poll', rooms, 1)
    const published = Date.now()
    await say(gateway.url, `${rooms[1]}`, 'now')
    expect((await held).events).toMatchObject([{ room: rooms[1], data: 'now' }])
    expect(Date.now() - published).toBeLessThan(20_000)
    const start = Date.now()
    const over = await ask(gateway.url, rooms, { cursor: (await held).cursor, wait: 1 })
    expect([over.events, over.cursor]).toEqual([[], (await held).cursor])
    expect(Date.now() - start).toBeGreaterThan(900)
    expect(over.rooms?.map(({ head }) => head)).toEqual([undefined, undefined, undefined])
  })

  test('MULTI-9, POLL-5 asked again with the same cursor it says the same again', async () => {
    const rooms = range(2).map(freshRoom)
    const { cursor } = await ask(gateway.url, rooms)
    for (const room of rooms) await say(gateway.url, room, room)
    const [first, second] = [await ask(gateway.url, rooms, { cursor }), await ask(gateway.url, rooms, { cursor })]
    expect([second.events, second.cursor]).toEqual([first.events, first.cursor])
  })

  test('MULTI-9 a room that is never silent does not keep the others from being heard', async () => {
    const rooms = range(2).map(freshRoom)
    const [busy = '', calm = ''] = rooms
    let { cursor } = await ask(gateway.url, rooms)
    let calmly = 0
    for (const i of range(20)) {
      await say(gateway.url, busy, i)
      if (i % 5 === 0) await say(gateway.url, calm, i)
      const answer = await ask(gateway.url, rooms, { cursor, wait: 55 })
      expect(answer.events.some(({ room }) => room === busy)).toBe(true)
      calmly += answer.events.filter(({ room }) => room === calm).length
      cursor = answer.cursor
    }
    expect(calmly).toBe(4)
  })

  test('MULTI-10, SSE-1, SSE-2 each block that moves the cursor bears that of all rooms', async () => {
    const rooms = range(3).map(freshRoom)
    const stream = await Stream.open(gateway.url, rooms)
    expect(stream.response?.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(stream.response?.headers.get('cache-control')).toBe('no-store')
    expect(stream.response?.headers.get('x-accel-buffering')).toBe('no')
    const [first] = await stream.blocks.until(({ event }) => event === 'welcome')
    expect(Number(first?.retry)).toBeGreaterThan(0)
    expect(first?.id).toMatch(/^[a-z0-9]+(\.(0-0)?){3}$/)
    const [a, b] = [await say(gateway.url, `${rooms[0]}`, 1), await say(gateway.url, `${rooms[1]}`, 2)]
    await stream.messages(2)
    expect(stream.lastEventId?.split('.').slice(1)).toEqual([a, b, '0-0'])
    const last = (await stream.blocks.until(({ data }) => data?.includes('"data":2') === true)).at(-1)
    expect(last?.id).toBe(stream.lastEventId)
  })

  test('MULTI-10, SSE-3 Last-Event-ID beats cursor, and is refused where it does not fit', async () => {
    const rooms = range(2).map(freshRoom)
    const stream = await Stream.open(gateway.url, rooms)
    for (const room of rooms) await say(gateway.url, room, 'a')
    await stream.messages(2)
    const headers = { 'last-event-id': `${stream.lastEventId}` }
    const again = await Stream.open(gateway.url, rooms, { cursor: '0-0.0-0', rewind: 5 }, headers)
    for (const room of rooms) await say(gateway.url, room, 'b')
    expect((await again.messages(2)).map(({ data }) => data)).toEqual(['b', 'b'])
    const other = await call(url(gateway.url, rooms.toReversed(), '/events'), { headers })
    expect(other).toMatchObject({ http: 400, code: 'bad_cursor' })
  })

  test('MULTI-10 a room that ends its part ends the stream, and refuses a poll', async () => {
    const [rooms, resume] = [range(3).map(freshRoom), freshSecret()]
    const room = `${rooms[1]}`
    const stream = await Stream.open(gateway.url, rooms, { resume })
    const session = stream.welcomes.get(room)?.session
    expect((await endSession(gateway.url, room, session)).http).toBe(204)
    expect(await stream.next()).toMatchObject({ type: 'closing', room, code: 4506 })
    await stream.ended
    const poll = ask(gateway.url, rooms, { resume, cursor: '0-0.0-0.0-0', wait: 20 })
    await connected('poll', rooms, 1)
    await endSession(gateway.url, room, session)
    expect(await poll).toMatchObject({ http: 403, code: 'forbidden' })
    await connected('sse', rooms, 0)
    await connected('poll', rooms, 0)
  })

  test.runIf(gateway.target.name === 'workerd')(
    'MULTI-10 where wires are cut a stream ends and a poll answers, with advice',
    async () => {
      const rooms = range(3).map(freshRoom)
      const { cursor, resume } = await ask(gateway.url, rooms)
      const poll = ask(gateway.url, rooms, { cursor, resume, wait: 55 })
      const stream = await Stream.open(gateway.url, rooms, { cursor, resume })
      await connected('poll', rooms, 1)
      await gateway.running.evict?.(`${rooms[2]}`, 'close')
      const answer = await poll
      expect(answer).toMatchObject({ http: 200, cursor, events: [] })
      expect(answer.advice?.after).toBeGreaterThan(0)
      expect(await stream.next()).toMatchObject({ type: 'closing', room: rooms[2], code: 4012 })
      await stream.ended
      await connected('sse', rooms, 0)
    },
  )
})
