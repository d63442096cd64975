import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { call, info, say, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('poll', (gateway) => {
  const held = (room: string, count = 1) =>
    eventually(`${count} polls are held`, async () => (await info(gateway.url, room)).connections?.poll === count)

  test('POLL-1 the answer has all its fields and is not to be stored', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 'x')
    const answer = await ask(gateway.url, room, { cursor: '0-0' })
    expect(answer).toMatchObject({ http: 200, cursor, head: cursor })
    expect(answer.events).toMatchObject([{ type: 'message', cursor, data: 'x' }])
    expect(answer.session).toEqual(expect.stringMatching(/./))
    expect(answer.advice?.wait).toBeGreaterThan(0)
    expect(answer.advice?.after).toBeGreaterThanOrEqual(0)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  })

  test('POLL-2 without a cursor it answers at once with where to start, and no events', async () => {
    const room = freshRoom()
    const empty = await ask(gateway.url, room, { wait: 55 })
    expect([empty.cursor, empty.head, empty.events]).toEqual(['0-0', '0-0', []])
    const cursor = await say(gateway.url, room, 'x')
    const answer = await ask(gateway.url, room, { wait: 55 })
    expect([answer.cursor, answer.head, answer.events]).toEqual([cursor, cursor, []])
  })

  test('POLL-2 with rewind it answers what it rewound to', async () => {
    const room = freshRoom()
    for (const i of range(3)) await say(gateway.url, room, i)
    const { events } = await ask(gateway.url, room, { rewind: 2, wait: 55 })
    expect(events.map(({ data }) => data)).toEqual([1, 2])
  })

  test('POLL-3 what stands after the cursor is answered at once', async () => {
    const room = freshRoom()
    const cursors = [await say(gateway.url, room, 'a'), await say(gateway.url, room, 'b')]
    const { events, cursor } = await ask(gateway.url, room, { cursor: cursors[0], wait: 55 })
    expect([events.map(({ data }) => data), cursor]).toEqual([['b'], cursors[1]])
  })

  test('POLL-3 else it is held, and answered as soon as something comes', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 'before')
    const polls = range(5).map(() => ask(gateway.url, room, { cursor, wait: 55 }))
    await held(room, 5)
    const published = Date.now()
    const next = await say(gateway.url, room, 'now')
    for (const answer of await Promise.all(polls)) {
      expect([answer.events.map(({ data }) => data), answer.cursor]).toEqual([['now'], next])
    }
    expect(Date.now() - published).toBeLessThan(2000)
    await held(room, 0)
  })

  test('POLL-3 else it answers after wait seconds, with no events and the cursor it was given', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 'before')
    const [started, { http, ...answer }] = [Date.now(), await ask(gateway.url, room, { cursor, wait: 1 })]
    const took = Date.now() - started
    expect([http, answer.events, answer.cursor]).toEqual([200, [], cursor])
    expect(took).toBeGreaterThanOrEqual(990)
    expect(took).toBeLessThan(20_000)
    const zero = await ask(gateway.url, room, { cursor, wait: 0 })
    expect([zero.http, zero.events, zero.cursor]).toEqual([200, [], cursor])
  })

  test.each(['', '-1', '1.5', 'x', '1e1', '5s', ' 5', '+5', '0x5'])('POLL-4 wait=%j is bad_request', async (wait) => {
    const { http, code } = await call(url(gateway.url, freshRoom(), '/poll', { wait }))
    expect([http, code]).toEqual([400, 'bad_request'])
  })

  test('POLL-4 more than 55 counts as 55, and the default is what the advice says', async () => {
    const room = freshRoom()
    const first = await ask(gateway.url, room)
    expect(first.advice?.wait).toBe({ node: 25, workerd: 55 }[gateway.target.name])
    const polls = [ask(gateway.url, room, { cursor: '0-0', wait: 999_999 }), ask(gateway.url, room, { cursor: '0-0' })]
    await held(room, 2)
    await say(gateway.url, room, 'x')
    for (const { events } of await Promise.all(polls)) expect(events.map(({ data }) => data)).toEqual(['x'])
  })

  test('POLL-3, MULTI-9 with wait=0 what stands after the cursor is answered, however many ask at once', async () => {
    const [room, other] = [freshRoom(), freshRoom()]
    const cursors: string[] = []
    for (const i of range(40)) cursors.push(await say(gateway.url, room, `${i}${'x'.repeat(30_000)}`))
    const asked = range(80).map((i) => cursors[i % 39])
    const single = asked.map((cursor) => ask(gateway.url, room, { cursor, wait: 0 }))
    const joined = asked.map((cursor) => ask(gateway.url, [other, room], { cursor: `0-0.${cursor}`, wait: 0 }))
    for (const answers of [await Promise.all(single), await Promise.all(joined)]) {
      const next = answers.map(({ events }) => Number.parseInt(`${events[0]?.data}`, 10))
      expect(next).toEqual(asked.map((_, i) => (i % 39) + 1))
    }
  })

  test('POLL-5 asked again with the same cursor it answers the same again', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    for (const data of ['a', 'b']) await say(gateway.url, room, data)
    const first = await ask(gateway.url, room, { cursor: '0-0', resume })
    for (const _ of range(3)) {
      const again = await ask(gateway.url, room, { cursor: '0-0', resume })
      expect([again.events, again.cursor]).toEqual([first.events, first.cursor])
    }
    expect(first.events.map(({ data }) => data)).toEqual(['a', 'b'])
  })

  test('POLL-5 a poll whose client left takes nothing with it', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const { cursor } = await ask(gateway.url, room, { resume })
    const leaving = new AbortController()
    const lost = ask(gateway.url, room, { cursor, resume, wait: 55 }, leaving.signal).catch(() => 'left')
    await held(room)
    leaving.abort()
    expect(await lost).toBe('left')
    await say(gateway.url, room, 'meanwhile')
    const { events } = await ask(gateway.url, room, { cursor, resume, wait: 55 })
    expect(events.map(({ data }) => data)).toEqual(['meanwhile'])
  })
})
