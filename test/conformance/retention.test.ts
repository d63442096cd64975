import { expect, test } from 'vitest'
import { history, postJson, say, wholeHistory } from './clients/http.ts'
import { tellingTransports } from './clients/index.ts'
import { Plain } from './clients/websocket.ts'
import { chapter, freshRoom, range } from './suite.ts'

const KEPT = 10
const chatty = (): string => `chat:${freshRoom()}`

chapter(
  'retention',
  (gateway) => {
    const fill = async (room: string, count: number): Promise<string[]> => {
      const cursors: string[] = []
      for (const i of range(count)) cursors.push(await say(gateway.url, room, i))
      return cursors
    }

    test.each(tellingTransports)(
      'KEEP-1, FOLLOW-3 over $name what was pruned is announced, and the rest comes',
      async (transport) => {
        const room = chatty()
        const cursors = await fill(room, 30)
        const floor = cursors[30 - KEPT - 1] as string
        for (const cursor of ['0-0', cursors[0] as string, cursors[18] as string]) {
          const reader = await transport.open(gateway.url, room, { cursor })
          expect(await reader.next()).toMatchObject({ type: 'gap', after: cursor, before: floor, reason: 'retention' })
          const heard = await reader.messages(KEPT)
          expect(heard.map(({ data }) => data)).toEqual(range(KEPT, 20))
          await reader.close()
        }
      },
    )

    test.each(tellingTransports)(
      'KEEP-1, FOLLOW-2 over $name a cursor within what is kept goes on whole',
      async (transport) => {
        const room = chatty()
        const cursors = await fill(room, 30)
        const floor = cursors[30 - KEPT - 1] as string
        for (const [cursor, count] of [
          [floor, KEPT],
          [cursors[25] as string, 4],
        ] as const) {
          const reader = await transport.open(gateway.url, room, { cursor })
          expect((await reader.messages(count)).map(({ data }) => data)).toEqual(range(count, 30 - count))
          await reader.close()
        }
      },
    )

    test.each(tellingTransports)('FOLLOW-4 over $name rewind beyond what is kept is no gap', async (transport) => {
      const room = chatty()
      await fill(room, 25)
      const reader = await transport.open(gateway.url, room, { rewind: 1000 })
      expect((await reader.messages(KEPT)).map(({ data }) => data)).toEqual(range(KEPT, 15))
    })

    test('PLAIN-3 a plain connection that would need what was pruned is closed', async () => {
      const room = chatty()
      const [cursor] = await fill(room, 20)
      const plain = new Plain(gateway.url, room, { cursor: cursor as string })
      expect(await plain.closed).toEqual({ code: 4502, reason: 'gap' })
    })

    test('HIST-4, HIST-3 history tells the gap, and ends where nothing older is kept', async () => {
      const room = chatty()
      const cursors = await fill(room, 30)
      const page = await history(gateway.url, room, { after: cursors[3] as string })
      expect(page.gap).toEqual({ after: cursors[3], before: cursors[19], reason: 'retention' })
      expect(page.messages.map(({ data }) => data)).toEqual(range(KEPT, 20))
      expect((await history(gateway.url, room)).prev).toBeNull()
      expect((await history(gateway.url, room, { before: cursors[10] as string })).messages).toEqual([])
    })

    test('KEEP-1 the rules are by room: another keeps what this one loses', async () => {
      const room = freshRoom()
      await fill(room, 30)
      expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(30))
    })

    test('KEEP-2, PUB-5 a repeat is known although its message has been pruned', async () => {
      const room = chatty()
      const first = await postJson(gateway.url, room, { data: 'once', id: 'one' })
      await fill(room, 20)
      const again = await postJson(gateway.url, room, { data: 'once', id: 'one' })
      expect([again.http, again.cursor, again.duplicate]).toEqual([200, first.cursor, true])
      expect(await postJson(gateway.url, room, { data: 'other', id: 'one' })).toMatchObject({ http: 409 })
      await gateway.running.crash()
      const later = await postJson(gateway.url, room, { data: 'once', id: 'one' })
      expect([later.http, later.cursor, later.duplicate]).toEqual([200, first.cursor, true])
      expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(KEPT, 10))
    })
  },
  { env: { HOLDLINE_RETENTION: `chat:*=${KEPT}/1h,*=1000/1h` } },
)
