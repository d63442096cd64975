import { expect, test } from 'vitest'
import { call, say, url } from './clients/http.ts'
import { type Block, BlockReader, Stream } from './clients/sse.ts'
import { at } from './cursor.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('sse', (gateway) => {
  test('SSE-1 the headers keep it from being stored or buffered', async () => {
    const { response } = await Stream.open(gateway.url, freshRoom())
    expect(response?.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(response?.headers.get('cache-control')).toBe('no-store')
    expect(response?.headers.get('x-accel-buffering')).toBe('no')
  })

  test('SSE-1 a message is a block without event:, its cursor the id:, its JSON the data:', async () => {
    const room = freshRoom()
    const stream = await Stream.open(gateway.url, room)
    const cursor = await say(gateway.url, room, 'x')
    await stream.messages(1)
    const block = (await stream.blocks.until(({ id }) => id === cursor)).at(-1) as Block
    expect(block.event).toBeUndefined()
    expect(JSON.parse(block.data ?? '')).toMatchObject({ type: 'message', cursor, data: 'x' })
  })

  test('SSE-1 another event bears its type, as a gap does', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 'x')
    const stream = await Stream.open(gateway.url, room, { cursor: at(cursor, 9) })
    const block = (await stream.blocks.until(({ event }) => event === 'gap')).at(-1) as Block
    expect(JSON.parse(block.data ?? '')).toMatchObject({ type: 'gap', before: cursor, reason: 'rolled-back' })
  })

  test('SSE-2 it begins with the welcome, whose block bears an id: to come back with', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 'x')
    const stream = await Stream.open(gateway.url, room)
    const first = (await stream.blocks.until(({ data }) => data !== undefined)).at(-1) as Block
    expect([first.event, first.id]).toEqual(['welcome', cursor])
    expect(stream.welcome).toMatchObject({ room, cursor, head: cursor, recovered: false })
    const empty = await Stream.open(gateway.url, freshRoom())
    expect(empty.lastEventId).toBe('0-0')
  })

  test('SSE-2 retry: is in milliseconds and differs from stream to stream', async () => {
    const retries: number[] = []
    for (const _ of range(8)) {
      const stream = await Stream.open(gateway.url, freshRoom())
      const block = (await stream.blocks.until(({ retry }) => retry !== undefined)).at(-1) as Block
      expect(block.retry).toMatch(/^\d+$/)
      retries.push(Number(block.retry))
    }
    expect(Math.min(...retries)).toBeGreaterThan(0)
    expect(new Set(retries).size).toBeGreaterThan(1)
  })

  test('SSE-2 who comes back as EventSource does, with the same address and the last id, misses nothing', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const first = await Stream.open(gateway.url, room, { resume })
    await say(gateway.url, room, 'a')
    await first.messages(1)
    await first.close()
    await say(gateway.url, room, 'b')
    const back = await Stream.open(gateway.url, room, { resume }, { 'last-event-id': first.lastEventId ?? '' })
    await say(gateway.url, room, 'c')
    expect((await back.messages(2)).map(({ payload }) => payload)).toEqual(['b', 'c'])
    expect(back.welcome).toMatchObject({ recovered: true, session: first.welcome.session })
  })

  test('SSE-2 who had heard nothing but the welcome resumes as well', async () => {
    const room = freshRoom()
    const first = await Stream.open(gateway.url, room)
    await first.close()
    await say(gateway.url, room, 'a')
    const back = await Stream.open(gateway.url, room, {}, { 'last-event-id': first.lastEventId ?? '' })
    expect((await back.messages(1))[0]?.payload).toBe('a')
  })

  test('SSE-3 Last-Event-ID beats cursor and rewind', async () => {
    const room = freshRoom()
    const cursors: string[] = []
    for (const data of ['a', 'b', 'c']) cursors.push(await say(gateway.url, room, data))
    const header = { 'last-event-id': `${cursors[1]}` }
    for (const query of [{ cursor: '0-0' }, { rewind: 3 }, { cursor: cursors[2], rewind: 1 }]) {
      const stream = await Stream.open(gateway.url, room, query, header)
      expect((await stream.messages(1))[0]?.payload).toBe('c')
    }
    const malformed = await call(url(gateway.url, room, '/events'), { headers: { 'last-event-id': '!' } })
    expect([malformed.http, malformed.code]).toEqual([400, 'bad_cursor'])
  })

  test('SSE-5 only what is final is a status; a gap is a 200 stream', async () => {
    const room = freshRoom()
    for (const [name, query, code] of [
      ['a b', {}, 'bad_room'],
      [room, { cursor: '!' }, 'bad_cursor'],
      [room, { rewind: 'x' }, 'bad_request'],
    ] as const) {
      expect(await call(url(gateway.url, name, '/events', query))).toMatchObject({ http: 400, code })
    }
    const foreign = await say(gateway.url, freshRoom(), 1)
    const stream = await Stream.open(gateway.url, room, { cursor: foreign })
    expect([stream.response?.status, (await stream.next()).type]).toEqual([200, 'gap'])
  })

  test('SSE-1 the suite reads a stream in any pieces', () => {
    const text = ': hello\r\nretry: 5\r\n\r\nevent: gap\ndata: {"a":\ndata:1}\nid: 7\n\ndata: x\r\rdata\n\n'
    const wanted = [
      { comment: 'hello', retry: '5' },
      { event: 'gap', data: '{"a":\n1}', id: '7' },
      { data: 'x' },
      { data: '' },
    ]
    expect(new BlockReader().read(text)).toEqual(wanted)
    const byOne = new BlockReader()
    expect([...text].flatMap((char) => byOne.read(char))).toEqual(wanted)
  })
})
