import { describe, expect, test } from 'vitest'
import { call, history, type Page, say, url, wholeHistory } from './clients/http.ts'
import { Framed } from './clients/websocket.ts'
import { at } from './cursor.ts'
import { chapter, freshRoom, type Gateway, range } from './suite.ts'

async function filled(gateway: Gateway, count: number): Promise<{ room: string; cursors: string[] }> {
  const room = freshRoom()
  const framed = await Framed.open(gateway.url, room)
  for (const start of range(Math.ceil(count / 250)).map((i) => i * 250)) {
    framed.send(range(Math.min(250, count - start), start).map((data) => ({ op: 'publish', data })))
  }
  const messages = await framed.inbox.until(({ data }) => data === count - 1)
  return { room, cursors: messages.filter(({ type }) => type === 'message').map(({ cursor }) => `${cursor}`) }
}

const data = ({ messages }: Page) => messages.map((message) => message.data)

chapter('history', (gateway) => {
  test('HIST-1 the answer is oldest first, 100 unless a limit of 1 to 1,000 says otherwise', async () => {
    const { room } = await filled(gateway, 1100)
    const asked = async (limit?: number) => data(await history(gateway.url, room, { limit, after: '0-0' }))
    expect(await asked()).toEqual(range(100))
    expect(await asked(1)).toEqual([0])
    expect(await asked(1000)).toEqual(range(1000))
  })

  test.each(['', '0', '-1', '1001', '1.5', 'x', '1e2', ' 5'])('HIST-1 limit=%j is bad_request', async (limit) => {
    const { http, code } = await call(url(gateway.url, freshRoom(), '/messages', { limit }))
    expect([http, code]).toEqual([400, 'bad_request'])
  })

  test('HIST-1 a page also ends at 1 MiB, and going on misses nothing', async () => {
    const room = freshRoom()
    const large = 'x'.repeat(60_000)
    for (const i of range(30)) await say(gateway.url, room, `${i} ${large}`)
    const page = await call(url(gateway.url, room, '/messages', { after: '0-0', limit: 1000 }))
    expect(page.text.length).toBeLessThan(1_048_576 + 70_000)
    expect(page.text.length).toBeGreaterThan(500_000)
    const whole = await wholeHistory(gateway.url, room)
    expect(whole.map(({ payload }) => `${payload}`.split(' ')[0])).toEqual(range(30).map(String))
    const newest = await history(gateway.url, room, { limit: 1000 })
    expect(`${newest.messages.at(-1)?.payload}`.split(' ')[0]).toBe('29')
    expect(newest.messages.length).toBeLessThan(30)
  })

  describe('HIST-2', () => {
    test('HIST-2 after, before, both and neither', async () => {
      const { room, cursors } = await filled(gateway, 20)
      const asked = async (query: { after?: number; before?: number; limit?: number }) => {
        const cursor = (index: number | undefined) => (index === undefined ? undefined : cursors[index])
        return data(
          await history(gateway.url, room, { ...query, after: cursor(query.after), before: cursor(query.before) }),
        )
      }
      expect(await asked({ limit: 3 })).toEqual([17, 18, 19])
      expect(await asked({ after: 4, limit: 3 })).toEqual([5, 6, 7])
      expect(await asked({ before: 10, limit: 3 })).toEqual([7, 8, 9])
      expect(await asked({ after: 4, before: 7 })).toEqual([5, 6])
      expect(await asked({ after: 4, before: 15, limit: 2 })).toEqual([5, 6])
      expect(await asked({ after: 19 })).toEqual([])
      expect(await asked({ before: 0 })).toEqual([])
      expect(await asked({ after: 7, before: 7 })).toEqual([])
      expect(await asked({ after: 9, before: 3 })).toEqual([])
    })

    test('HIST-2 an empty room has no messages, whatever is asked', async () => {
      for (const query of [{}, { after: '0-0' }, { before: '0-0' }, { after: '0-0', before: '0-0' }]) {
        expect(await history(gateway.url, freshRoom(), query)).toMatchObject({ messages: [], prev: null })
      }
    })
  })

  test.each([1, 7, 100])('HIST-3 next leads forward through all, prev backward, %i at a time', async (limit) => {
    const { room } = await filled(gateway, 40)
    const forward: unknown[] = []
    let page = await history(gateway.url, room, { after: '0-0', limit })
    while (page.messages.length > 0) {
      forward.push(...data(page))
      page = await history(gateway.url, room, { after: page.next, limit })
    }
    expect(forward).toEqual(range(40))
    const backward: unknown[] = []
    let older: Page = await history(gateway.url, room, { limit })
    for (;;) {
      backward.unshift(...data(older))
      if (older.prev === null) break
      older = await history(gateway.url, room, { before: older.prev, limit })
    }
    expect(backward).toEqual(range(40))
  })

  test('HIST-3 next goes on where the newest page ended: what is published then comes next', async () => {
    const { room } = await filled(gateway, 5)
    const newest = await history(gateway.url, room, { limit: 2 })
    await say(gateway.url, room, 'new')
    expect(data(await history(gateway.url, room, { after: newest.next }))).toEqual(['new'])
    const whole = await history(gateway.url, room)
    expect(whole.prev).toBeNull()
    const none = await history(gateway.url, room, { after: whole.next })
    expect([none.messages, none.next]).toEqual([[], whole.next])
  })

  test('HIST-4, FOLLOW-3 an after that cannot be gone on from is told as a gap beside the messages', async () => {
    const { room, cursors } = await filled(gateway, 3)
    const foreign = await say(gateway.url, freshRoom(), 'elsewhere')
    const other = await history(gateway.url, room, { after: foreign })
    expect([other.gap, data(other)]).toEqual([expect.objectContaining({ after: foreign, reason: 'epoch' }), [0, 1, 2]])
    const beyond = at(`${cursors[2]}`, 99)
    const rolled = await history(gateway.url, room, { after: beyond })
    expect(rolled.gap).toMatchObject({ after: beyond, before: cursors[2], reason: 'rolled-back' })
    expect((await history(gateway.url, room, { after: '0-0' })).gap).toBeUndefined()
  })
})
