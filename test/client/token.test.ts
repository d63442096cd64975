import { expect, onTestFinished, test } from 'vitest'
import { Hub } from '../../src/client/hub.ts'
import type { TransportName } from '../../src/client/index.ts'
import { postJson } from '../conformance/clients/http.ts'
import { API_KEY, bearer, LOCKED, token } from '../conformance/clients/tokens.ts'
import { chapter, freshRoom, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { brisk } from './reading.ts'

/** Seconds. */
const BRIEF = 3
const TRANSPORTS: TransportName[] = ['websocket', 'sse', 'poll']

chapter(
  'the client SDK with tokens',
  (gateway) => {
    const connect = (source: string | (() => Promise<string>), transport: TransportName) => {
      const client = new Hub(gateway.url, { token: source, transports: [transport] }, brisk())
      onTestFinished(() => client.close())
      return client
    }

    const say = (room: string, data: unknown) => postJson(gateway.url, room, { data }, { headers: bearer(API_KEY) })

    test.concurrent.for([
      ['websocket', 1],
      ['websocket', 2],
      ['sse', 1],
      ['poll', 2],
    ] as const)(
      'goes on by %s to %i rooms with one token after the other, and nothing is lost between them',
      async ([transport, count]) => {
        let asked = 0
        const client = new Hub(
          gateway.url,
          {
            transports: [transport],
            token: () => {
              asked++
              return token({ exp: BRIEF })
            },
          },
          brisk(),
        )
        const rooms = range(count).map(() => client.room<number>(freshRoom(), { cursor: '0-0', presence: true }))
        const heard = rooms.map(() => [] as number[])
        const presences: string[] = []
        rooms.forEach((room, i) => {
          room.on('message', ({ data }) => heard[i]?.push(data))
          room.on('presence', ({ action }) => presences.push(action))
        })
        let said = 0
        while (asked < 3) {
          for (const room of rooms) expect((await say(room.name, said)).http).toBe(201)
          said++
        }
        for (const room of rooms) await room.publish(said)
        await eventually('all have heard all', () => heard.every((each) => each.length === said + 1))
        for (const each of heard) expect(each).toEqual(range(said + 1))
        expect(presences).not.toContain('leave')
        client.close()
      },
    )

    test.each(TRANSPORTS)('a fixed token that has ended, or is none, closes the client, by %s', async (transport) => {
      for (const [wrong, code] of [
        ['nonsense', 'unauthorized'],
        [await token({ exp: -60 }), 'token_expired'],
      ] as const) {
        const client = connect(wrong, transport)
        const error = new Promise((resolve) => client.on('error', resolve))
        client.room(freshRoom())
        expect(await error).toMatchObject({ code })
        expect(client.state.state).toBe('closed')
      }
    })

    test.each(TRANSPORTS)('a room that the token does not open is closed by itself, by %s', async (transport) => {
      const open = freshRoom()
      const rooms = { [open]: ['subscribe', 'publish'], 'seen-*': ['subscribe'] }
      const client = connect(() => token({ rooms }), transport)
      const [allowed, forbidden] = [client.room(open), client.room(freshRoom())]
      const error = await new Promise((resolve) => forbidden.on('error', resolve))
      expect(error).toMatchObject({ code: 'forbidden' })
      expect(forbidden.state).toBe('closed')
      await allowed.publish('x')
      const seen = client.room('seen-1')
      await expect(seen.publish('x')).rejects.toMatchObject({ code: 'forbidden' })
      expect(allowed.state).toBe('open')
    })

    test('a callback that fails is tried again', async () => {
      let asked = 0
      const client = connect(async () => {
        if (++asked < 3) throw new Error('the backend is away')
        return token()
      }, 'websocket')
      const reasons: string[] = []
      client.on('state', ({ reason }) => reason && reasons.push(reason))
      await client.room(freshRoom()).publish('x')
      expect(reasons).toContain('no token: Error: the backend is away')
    })
  },
  { env: LOCKED },
)
