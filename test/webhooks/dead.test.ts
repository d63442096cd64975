import { expect, test } from 'vitest'
import { call, say, url } from '../conformance/clients/http.ts'
import { chapter, freshRoom, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { moods, type Told } from './backend.ts'
import { hooked } from './suite.ts'

interface Letters {
  dead: { id: string; count: number; reason: string; died: number; events: Told[] }[]
  next: string | null
}

const letters = async (base: string, room: string, query = {}): Promise<Letters> =>
  JSON.parse((await call(url(base, room, '/webhooks/dead', query))).text) as Letters

hooked(
  'dead letters',
  (told) => {
    test('HOOK-8 of a dead backend the oldest are kept apart, can be read, and are sent again when it lives', async () => {
      const room = freshRoom()
      told.backend.mood = moods.fails
      await say(told.url, room, 0)
      await eventually('it is tried', () => told.backend.deliveries.length > 0)
      for (const n of range(7, 1)) await say(told.url, room, n)
      await eventually('three are given up', async () => (await letters(told.url, room)).dead.length === 3)
      const { dead, next } = await letters(told.url, room, { limit: 2 })
      expect(next).toBe(dead[1]?.id)
      const rest = await letters(told.url, room, { after: next ?? '' })
      const all = [...dead, ...rest.dead]
      expect(all.map(({ events }) => events[0]?.data.message?.data)).toEqual([0, 1, 2])
      expect(all[0]).toMatchObject({ count: 1, reason: 'more than 5 waited', id: all[0]?.events[0]?.id })

      told.backend.mood = moods.takes
      await told.backend.hears(room, 5)
      const one = await call(url(told.url, room, `/webhooks/dead/${all[1]?.id}/resend`), { method: 'POST' })
      expect([one.http, JSON.parse(one.text)]).toEqual([202, { resent: 1 }])
      await told.backend.hears(room, 6)
      const others = await call(url(told.url, room, '/webhooks/dead/resend'), { method: 'POST' })
      expect([others.http, JSON.parse(others.text)]).toEqual([202, { resent: 2 }])
      const events = await told.backend.hears(room, 8)
      expect(events.map(({ data }) => data.message?.data)).toEqual([3, 4, 5, 6, 7, 1, 0, 2])
      expect((await letters(told.url, room)).dead).toEqual([])
      expect((await call(url(told.url, room, '/webhooks/dead/resend'), { method: 'POST' })).code).toBe('not_found')
    })
  },
  { HOLDLINE_WEBHOOK_WAITING: '5', HOLDLINE_WEBHOOK_EVENTS: 'message' },
)

hooked(
  'a choice of events and rooms',
  (told) => {
    test('HOOK-1, HOOK-10 of what was not asked for nothing is told, and nothing is kept', async () => {
      const room = freshRoom()
      await say(told.url, room, 'not told')
      await say(told.url, `told:${room}`, 'told')
      await told.backend.hears(`told:${room}`, 1)
      expect(told.backend.once(room)).toEqual([])
      const { code } = await call(url(told.url, room, '/webhooks/dead'))
      expect(code).toBe('not_found')
    })
  },
  { HOLDLINE_WEBHOOK_ROOMS: 'told:*', HOLDLINE_WEBHOOK_EVENTS: 'message' },
)

chapter('no backend', (gateway) => {
  test('HOOK-10 without a target there are no dead letters to ask for', async () => {
    const room = freshRoom()
    await say(gateway.url, room, 'x')
    expect((await call(url(gateway.url, room, '/webhooks/dead'))).code).toBe('not_found')
  })
})
