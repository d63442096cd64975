import { expect, test } from 'vitest'
import type { Follower } from './clients/follower.ts'
import { call, info, postJson, say, url, wholeHistory } from './clients/http.ts'
import { tellingTransportsOf, transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { Line } from './clients/tcp.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom } from './suite.ts'

chapter(
  'a commit that cannot be told',
  (gateway) => {
    test.each(['untold', 'half-told'])(
      'OPS-3 %s, it is acknowledged, everyone is sent away, and whoever comes back has it once',
      async (poison) => {
        const room = freshRoom()
        const first = await postJson(gateway.url, room, { data: 'first' })
        const followers = await Promise.all(
          tellingTransportsOf(gateway).map(({ open }) => open(gateway.url, room, { cursor: '0-0', presence: 1 })),
        )
        for (const follower of followers) expect(await heardUntil(follower, 'first')).toEqual(['first'])
        const framed = await Framed.open(gateway.url, room)
        const plain = await Plain.open(gateway.url, room)
        const published = await postJson(gateway.url, room, { data: poison, id: 'x' })
        expect(published).toMatchObject({ http: 201, id: 'x' })
        expect(`${published.cursor}` > `${first.cursor}`).toBe(true)
        expect(await framed.closed).toEqual({ code: 4012, reason: 'storage' })
        expect((await plain.closed).code).toBe(4012)
        await say(gateway.url, room, 'last')
        expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(['first', poison, 'last'])
        for (const { open } of transports.filter(({ name }) => name !== 'plain')) {
          const late = await open(gateway.url, room, { cursor: first.cursor })
          expect(await heardUntil(late, 'last')).toEqual([poison, 'last'])
        }
        expect(await postJson(gateway.url, room, { data: poison, id: 'x' })).toMatchObject({
          http: 200,
          duplicate: true,
          cursor: published.cursor,
        })
      },
    )

    test('DRAIN-2 whoever is sent away for it is told so, and when to come back', async () => {
      const room = freshRoom()
      const alone = await Promise.all(
        tellingTransportsOf(gateway)
          .filter(({ name }) => name !== 'poll')
          .map(({ open }) => open(gateway.url, room)),
      )
      const joined = await Framed.open(gateway.url, [room, freshRoom()])
      const { cursor } = await call(url(gateway.url, room, '/poll'))
      const poll = ask(gateway.url, room, { cursor, wait: 55 })
      await expect.poll(async () => (await info(gateway.url, room)).connections?.poll).toBe(1)
      await postJson(gateway.url, room, { data: 'untold' })
      const why = { code: 4012, reason: 'storage', retryAfter: expect.any(Number) }
      for (const each of alone) {
        const closing = each instanceof Line ? each.ended : each.inbox.until(({ type }) => type === 'closing')
        expect([await closing].flat().at(-1)).toMatchObject({ type: 'closing', ...why })
      }
      expect(await joined.next()).toMatchObject({ type: 'left', room, ...why })
      const answer = await poll
      expect(answer).toMatchObject({ http: 200, cursor, events: [] })
      expect(answer.advice?.after).toBeGreaterThan(0)
    })
  },
  { app: 'faulty' },
)

/** The data of the messages up to that one. */
async function heardUntil(follower: Follower, last: string): Promise<unknown[]> {
  const heard: unknown[] = []
  while (heard.at(-1) !== last) {
    const { type, data } = await follower.next()
    if (type === 'message') heard.push(data)
  }
  return heard
}
