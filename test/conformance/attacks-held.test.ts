import { expect, test } from 'vitest'
import { call, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { LOCKED, token } from './clients/tokens.ts'
import { chapter, freshRoom, freshSecret } from './suite.ts'

chapter(
  'attacks by held lines',
  (gateway) => {
    test('AUTH-7, AUTH-8 a poll by its session’s secret alone is ended with the token that it goes by', async () => {
      const [room, other, resume] = [freshRoom(), freshRoom(), freshSecret()]
      // With what clocks may differ by it lives for two seconds more.
      const dying = await token({ exp: -3 })
      const [one, two] = await Promise.all([
        ask(gateway.url, room, { resume, token: dying }),
        ask(gateway.url, [room, other], { resume, token: dying }),
      ])
      const held = [
        ask(gateway.url, room, { resume, cursor: one.cursor, wait: 50 }),
        ask(gateway.url, [room, other], { resume, cursor: two.cursor, wait: 50 }),
      ]
      const started = Date.now()
      for (const ended of await Promise.all(held)) expect(ended).toMatchObject({ http: 200, events: [] })
      expect(Date.now() - started).toBeLessThan(10_000)
      expect((await call(url(gateway.url, room, '/poll', { resume, cursor: one.cursor }))).http).toBe(401)
    })
  },
  { env: LOCKED },
)
