import { describe, expect, test } from 'vitest'
import { call, postJson, type Query } from './clients/http.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, type Gateway } from './suite.ts'

interface Rooms {
  rooms: { room: string; rate: number; connections: number; sessions: number; awakeSince: number | null }[]
  next: string | null
  listed: boolean
}

const key = bearer(API_KEY)

chapter(
  'the list of rooms',
  (gateway: Gateway) => {
    const asked = (query: Query = {}, headers = key) =>
      call(`${gateway.url}/v1/rooms?${new URLSearchParams(query as Record<string, string>)}`, { headers })
    const listed = async (query?: Query, headers?: typeof key) => {
      const { http, text } = await asked(query, headers)
      expect(http, text).toBe(200)
      return JSON.parse(text) as Rooms
    }
    const say = (room: string) => postJson(gateway.url, room, { data: 1 }, { headers: key })

    test('INFO-2 an API key sees all rooms; on the edge nobody does, and is told', async () => {
      const [busy, quiet] = [freshRoom(), freshRoom()]
      await Framed.open(gateway.url, quiet, { token: await token() })
      for (let i = 0; i < 20; i++) await say(busy)
      const { rooms, next, listed: isListed } = await listed()
      if (gateway.target.name === 'workerd') {
        expect({ rooms, next, isListed }).toEqual({ rooms: [], next: null, isListed: false })
        return
      }
      expect([next, isListed]).toEqual([null, true])
      expect(rooms.map(({ room }) => room)).toEqual([busy, quiet])
      expect(rooms[0]?.rate).toBeGreaterThan(0)
      expect(rooms[1]).toMatchObject({ connections: 1, sessions: 1, awakeSince: expect.any(Number) })
    })

    test('INFO-2 by name, page by page, each room comes once', async () => {
      if (gateway.target.name === 'workerd') {
        expect(await listed({ order: 'name' })).toEqual({ rooms: [], next: null, listed: false })
        return
      }
      const made = [freshRoom(), freshRoom(), freshRoom()]
      for (const room of made) await say(room)
      const found: string[] = []
      for (let after: string | null = ''; after !== null; ) {
        const page: Rooms = await listed({ order: 'name', limit: 2, after })
        found.push(...page.rooms.map(({ room }) => room))
        after = page.next
      }
      expect(found).toEqual([...new Set(found)].sort())
      expect(found).toEqual(expect.arrayContaining(made))
      // What is no room of a client's: where revocations are kept.
      expect(found).not.toContain('*')
    })

    test('INFO-2 a token sees the rooms that it manages', async () => {
      const [own, other] = [freshRoom(), freshRoom()]
      for (const room of [own, other]) await say(room)
      const headers = bearer(await token({ rooms: { [own]: ['manage'], '*': ['subscribe', 'publish'] } }))
      for (const order of ['activity', 'name']) {
        const { rooms } = await listed({ order, limit: 1000 }, headers)
        expect(rooms.map(({ room }) => room)).toEqual(gateway.target.name === 'workerd' ? [] : [own])
      }
    })

    describe('INFO-2 refused:', () => {
      test('INFO-2 a token that manages nothing', async () => {
        const headers = bearer(await token({ rooms: { '*': ['subscribe', 'publish', 'presence', 'history'] } }))
        expect(await asked({}, headers)).toMatchObject({ http: 403, code: 'forbidden' })
      })

      test('INFO-2 nobody', async () => {
        expect(await asked({}, {} as typeof key)).toMatchObject({ http: 401, code: 'unauthorized' })
      })

      test.each([{ order: 'size' }, { limit: 0 }, { limit: 1001 }])('INFO-2 %o', async (query) => {
        expect(await asked(query)).toMatchObject({ http: 400, code: 'bad_request' })
      })
    })
  },
  { env: LOCKED },
)
