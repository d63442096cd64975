import { expect, test } from 'vitest'
import { call, history, postJson, say, url } from './clients/http.ts'
import { tellingTransports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { putPresence, whoIsHere } from './clients/presence.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const PAGE = 3
const STATE = 16
const ROOMS = 40

chapter(
  'limits that are set',
  (gateway) => {
    test('HIST-1 a page of history has so many messages, whoever asks for more, and goes on', async () => {
      const room = freshRoom()
      for (const i of range(5)) await say(gateway.url, room, i)
      const data = (page: { messages: readonly { data?: unknown }[] }) => page.messages.map(({ data }) => data)
      const first = await history(gateway.url, room, { after: '0-0', limit: 1000 })
      expect(data(first)).toEqual([0, 1, 2])
      expect(data(await history(gateway.url, room, { after: first.next }))).toEqual([3, 4])
      const newest = await history(gateway.url, room)
      expect(data(newest)).toEqual([2, 3, 4])
      expect(data(await history(gateway.url, room, { before: `${newest.prev}` }))).toEqual([0, 1])
      const framed = await Framed.open(gateway.url, room)
      const page = (await framed.ask({ op: 'history', limit: 4 })) as unknown as Parameters<typeof data>[0]
      expect(page.messages).toHaveLength(PAGE)
    })

    test('PRES-2 a presence state has so many bytes, over HTTP and WebSocket', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const framed = await Framed.open(gateway.url, room, { resume, presence: 1 })
      const fits = 'x'.repeat(STATE - 2)
      const refusal = { code: 'too_large', message: `A presence state is at most ${STATE} bytes; this one has 17` }
      expect(await framed.ask({ op: 'presence', state: `${fits}x` })).toMatchObject(refusal)
      expect(await framed.ask({ op: 'presence', state: fits })).toMatchObject({ type: 'ack' })
      const { http, code, detail } = await putPresence(gateway.url, room, resume, `{"state":"${fits}x"}`)
      expect({ http, code, message: detail }).toEqual({ http: 413, ...refusal })
      expect((await whoIsHere(gateway.url, room)).members).toMatchObject([{ state: fits }])
    })

    test.each(tellingTransports)('MULTI-1 over $name so many rooms are followed, and no more', async ({ open }) => {
      const rooms = range(ROOMS).map(freshRoom)
      const follower = await open(gateway.url, rooms, { cursor: rooms.map(() => '0-0').join('.') })
      await say(gateway.url, `${rooms[ROOMS - 1]}`, 'x')
      expect(await follower.messages(1)).toMatchObject([{ room: rooms[ROOMS - 1], data: 'x' }])
      await follower.close()
      const answer = await call(url(gateway.url, [...rooms, freshRoom()], '/poll'))
      expect([answer.http, answer.code, answer.detail]).toEqual([
        400,
        'bad_request',
        expect.stringContaining('1 to 40'),
      ])
    })

    test('MULTI-7 one room more than that cannot be joined', async () => {
      const framed = await Framed.open(gateway.url, range(ROOMS).map(freshRoom))
      const answer = await framed.ask({ op: 'join', room: freshRoom() })
      expect(answer).toMatchObject({ code: 'bad_request', message: expect.stringContaining('at most 40 rooms') })
    })

    test('others never notice', async () => {
      const room = freshRoom()
      const { cursor } = await ask(gateway.url, room)
      expect(await postJson(gateway.url, room, { data: 'x'.repeat(1000) })).toMatchObject({ http: 201 })
      expect((await ask(gateway.url, room, { cursor })).events).toHaveLength(1)
    })
  },
  {
    env: {
      HOLDLINE_HISTORY_PAGE: `${PAGE}`,
      HOLDLINE_PRESENCE_STATE: `${STATE}`,
      HOLDLINE_ROOMS_PER_CONNECTION: `${ROOMS}`,
    },
  },
)
