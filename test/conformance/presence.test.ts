import { describe, expect, test } from 'vitest'
import { say } from './clients/http.ts'
import { tellingTransports, transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { endSession, putPresence, Roster, whoIsHere } from './clients/presence.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter('presence', (gateway) => {
  const watch = (room: string) => Framed.open(gateway.url, room, { presence: 1 })

  // A poll that comes back after a change hears one sync instead (PRES-4).
  describe.each(tellingTransports.filter(({ name }) => name !== 'poll'))('$name', ({ open }) => {
    test('PRES-1 who asks for presence begins with a sync, itself in it, then hears who comes, changes and goes', async () => {
      const room = freshRoom()
      const reader = await open(gateway.url, room, { presence: 1 })
      const { session } = reader.welcome
      const first = await reader.next()
      expect(first).toMatchObject({ type: 'presence', action: 'sync', count: 1, members: [{ session }] })
      const ben = await watch(room)
      await ben.ask({ op: 'presence', state: { mood: 'good' } })
      await endSession(gateway.url, room, ben.welcome.session)
      await say(gateway.url, room, 'end')
      const heard = (await reader.presenceUntil('end')).filter((event) => event.session !== session)
      expect(heard.map(({ action, session, state }) => [action, session, state])).toEqual([
        ['join', ben.welcome.session, undefined],
        ['update', ben.welcome.session, { mood: 'good' }],
        ['leave', ben.welcome.session, undefined],
      ])
    })
  })

  describe.each(tellingTransports)('$name', ({ open }) => {
    test('PRES-1 who does not ask for it is neither present nor hears of it', async () => {
      const room = freshRoom()
      const reader = await open(gateway.url, room)
      const other = await watch(room)
      expect((await other.next()).members?.map(({ session }) => session)).toEqual([other.welcome.session])
      await other.ask({ op: 'presence', state: 1 })
      await endSession(gateway.url, room, other.welcome.session)
      await say(gateway.url, room, 'end')
      expect(await reader.presenceUntil('end')).toEqual([])
    })

    test('PRES-4 who comes back with the rev that there is hears nothing, else one sync', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const other = await watch(room)
      const reader = await open(gateway.url, room, { resume, presence: 1 })
      await say(gateway.url, room, 'one')
      await reader.presenceUntil('one')
      await reader.close()
      const same = await open(gateway.url, room, { resume, presence: reader.rev, cursor: reader.cursor })
      await say(gateway.url, room, 'two')
      expect(await same.presenceUntil('two')).toEqual([])
      await same.close()
      await other.ask({ op: 'presence', state: 'new' })
      const stale = await open(gateway.url, room, { resume, presence: reader.rev, cursor: same.cursor })
      await say(gateway.url, room, 'three')
      const [sync, ...more] = await stale.presenceUntil('three')
      expect([sync?.action, more]).toEqual(['sync', []])
      expect(sync?.members).toContainEqual({ session: other.welcome.session, state: 'new' })
      expect(sync?.rev).toBe((await whoIsHere(gateway.url, room)).rev)
    })
  })

  test('PRES-1 a plain connection is present and hears nothing', async () => {
    const room = freshRoom()
    const watcher = await watch(room)
    const plain = await Plain.open(gateway.url, room, { presence: 1 })
    await watcher.ask({ op: 'presence', state: 1 })
    await say(gateway.url, room, 'end')
    const joined = (await watcher.presenceUntil('end')).filter(({ action }) => action === 'join')
    expect(joined).toHaveLength(2)
    expect(await plain.payloadsUntil('end')).toEqual([])
    expect((await whoIsHere(gateway.url, room)).count).toBe(2)
  })

  describe.each(transports)('from $name', (from) => {
    test.each(transports)('SES-1, PRES-3 a switch to $name is no leave and join', async (to) => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const watcher = await watch(room)
      const first = await from.open(gateway.url, room, { resume, presence: 1 })
      await first.close()
      const second = await to.open(gateway.url, room, { resume, presence: 1 })
      await second.close()
      await from.open(gateway.url, room, { resume, presence: 1 })
      await say(gateway.url, room, 'end')
      const told = (await watcher.presenceUntil('end')).filter(({ session }) => session !== watcher.welcome.session)
      expect(told.map(({ action }) => action)).toEqual(['sync', 'join'])
    })
  })

  test('PRES-2 state is set over HTTP too, for whoever has a session and no WebSocket', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const watcher = await watch(room)
    const { session } = await ask(gateway.url, room, { resume, presence: 1 })
    expect((await putPresence(gateway.url, room, resume, '{"state":{"x": 1.0}}')).http).toBe(200)
    await say(gateway.url, room, 'end')
    const told = (await watcher.presenceUntil('end')).filter((event) => event.session === session)
    expect(told.map(({ action, state }) => [action, state])).toEqual([
      ['join', undefined],
      ['update', { x: 1 }],
    ])
    expect(watcher.packs.join('')).toContain('"state":{"x": 1.0}')
  })

  test('PRES-5 GET presence says who is here, and agrees with what was heard', async () => {
    const room = freshRoom()
    expect(await whoIsHere(gateway.url, room)).toEqual({ count: 0, members: [], rev: expect.any(String) })
    const [watcher, ben] = [await watch(room), await watch(room)]
    await ben.ask({ op: 'presence', state: [1, 'two'] })
    await say(gateway.url, room, 'end')
    const roster = new Roster()
    for (const event of await watcher.presenceUntil('end')) roster.hear(event)
    const here = await whoIsHere(gateway.url, room)
    expect(here.members).toContainEqual({ session: ben.welcome.session, state: [1, 'two'] })
    roster.expectToBe(here)
  })
})

chapter(
  'presence in a large room',
  (gateway) => {
    test('PRES-6 changes are counts, lists a sample; when it is small again everyone hears who is here', async () => {
      const room = freshRoom()
      const watcher = await Framed.open(gateway.url, room, { presence: 1 })
      const crowd: Framed[] = []
      for (const _ of range(59)) crowd.push(await Framed.open(gateway.url, room, { presence: 1 }))
      // A count that was made while another was under way comes after it.
      const told = await watcher.inbox.until(({ count }) => count === 60)
      const large = told.slice(told.findIndex(({ action }) => action === 'count'))
      expect(large.filter(({ action, type }) => type === 'presence' && action !== 'count')).toEqual([])
      expect(told.at(-1)).toMatchObject({ count: 60, rev: (await whoIsHere(gateway.url, room)).rev })
      const { count, members } = await whoIsHere(gateway.url, room)
      expect([count, members.length]).toEqual([60, 50])
      for (const { welcome } of crowd.slice(2)) await endSession(gateway.url, room, welcome.session)
      await say(gateway.url, room, 'small')
      const last = (await watcher.presenceUntil('small')).at(-1)
      expect(last).toMatchObject({ action: 'sync', count: 3, rev: (await whoIsHere(gateway.url, room)).rev })
    })
  },
  { env: { HOLDLINE_PRESENCE_LIST: '5' } },
)
