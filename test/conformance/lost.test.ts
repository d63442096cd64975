import { expect, test } from 'vitest'
import type { Follower } from './clients/follower.ts'
import { postJson, say, wholeHistory } from './clients/http.ts'
import { tellingTransportsOf, transports } from './clients/index.ts'
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
