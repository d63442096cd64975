import { describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { call, info, say, url } from './clients/http.ts'
import { tellingTransports, transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { endSession, putPresence, Roster, whoIsHere } from './clients/presence.ts'
import { Stream } from './clients/sse.ts'
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
    expect(joined).toHaveLength(1)
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

  test('PRES-3 a session joins once, however many connections it has and however often each comes back', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const watcher = await watch(room)
    const { session } = await ask(gateway.url, room, { resume, presence: 1 })
    for (const _ of range(3)) {
      const connections = []
      for (const { open } of transports) connections.push(await open(gateway.url, room, { resume, presence: 1 }))
      for (const connection of connections) await connection.close()
    }
    await say(gateway.url, room, 'end')
    const told = (await watcher.presenceUntil('end')).filter((event) => event.session === session)
    expect(told.map(({ action }) => action)).toEqual(['join'])
    expect((await whoIsHere(gateway.url, room)).count).toBe(2)
  })

  test('PRES-3 between any two polls it is as present as in them', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const watcher = await watch(room)
    const first = await ask(gateway.url, room, { resume, presence: 1 })
    const { session } = first
    let { cursor } = first
    for (const i of range(10)) {
      await say(gateway.url, room, i)
      const { members } = await whoIsHere(gateway.url, room)
      expect(members.map((each) => each.session).sort()).toEqual([session, watcher.welcome.session].sort())
      const answer = await ask(gateway.url, room, { resume, presence: 1, cursor })
      expect(answer.events.filter(({ type }) => type === 'message').map(({ data }) => data)).toEqual([i])
      cursor = answer.cursor
    }
    await say(gateway.url, room, 'end')
    const told = (await watcher.presenceUntil('end')).filter((event) => event.session === session)
    expect(told.map(({ action }) => action)).toEqual(['join'])
  })

  test('PRES-4 a held poll is answered by a change; with messages, the sync stands beside them', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const first = await ask(gateway.url, room, { resume, presence: 1 })
    const { session } = first
    const roster = new Roster()
    for (const event of first.events) roster.hear(event)
    const poll = async (presence: string | number = roster.rev) => {
      const answer = await ask(gateway.url, room, { resume, presence, cursor: first.cursor, wait: 10 })
      for (const event of answer.events) if (event.type === 'presence') roster.hear(event)
      return answer
    }
    const held = poll()
    await eventually('it is held', async () => (await info(gateway.url, room)).connections?.poll === 1)
    await putPresence(gateway.url, room, resume, '{"state":"typing"}')
    expect((await held).events.at(-1)).toMatchObject({ type: 'presence', session })
    await say(gateway.url, room, 'hello')
    const both = await poll(1)
    expect(both.events.map(({ type, action, data }) => action ?? data ?? type)).toEqual(['hello', 'sync'])
    const known = await poll()
    expect(known.events.map(({ type }) => type)).toEqual(['message'])
    roster.expectToBe(await whoIsHere(gateway.url, room))
  })

  test('PRES-4 a rev that was another’s is no rev: a session that ended and came again with another state', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const cursor = await say(gateway.url, room, 'begin')
    const begin = async (state: string) => {
      const framed = await Framed.open(gateway.url, room, { resume, presence: 1 })
      await framed.ask({ op: 'presence', state })
      return { framed, rev: (await whoIsHere(gateway.url, room)).rev }
    }
    const { framed, rev } = await begin('busy')
    await endSession(gateway.url, room, framed.welcome.session)
    await begin('free')
    const answer = await ask(gateway.url, room, { presence: rev, cursor, wait: 5 })
    expect(answer.events.at(0)).toMatchObject({ action: 'sync' })
    expect(answer.events.at(0)?.members).toContainEqual({ session: framed.welcome.session, state: 'free' })
  })

  test('PRES-4 an EventSource that comes back to its URL gets a sync, and the messages that it missed before it', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const first = await Stream.open(gateway.url, room, { resume, presence: 1 })
    const { lastEventId } = first
    await first.close()
    await say(gateway.url, room, 'missed')
    const other = await watch(room)
    // Its coming has been committed when it hears of itself.
    await other.inbox.until(({ action }) => action === 'sync')
    const again = await Stream.open(gateway.url, room, { resume, presence: 1 }, { 'last-event-id': `${lastEventId}` })
    expect((await again.next()).payload).toBe('missed')
    const { action, members } = await again.next()
    expect(action).toBe('sync')
    expect(members?.map(({ session }) => session)).toContain(other.welcome.session)
  })

  // Unknown names are ignored (ERR-3), unknown values are not.
  describe.each(['', '2', 'true', 'r', 'R1', 'rABC', 'r!', `r${'0'.repeat(12)}`, '1 ', '-1'])(
    'presence=%s',
    (presence) => {
      test.each([
        { name: 'poll', rest: '/poll' },
        { name: 'SSE', rest: '/events' },
      ])('PRES-1, PRES-4, FOLLOW-1 is refused by $name', async ({ rest }) => {
        const answer = await call(url(gateway.url, freshRoom(), rest, { presence }))
        expect(answer).toMatchObject({ http: 400, code: 'bad_request' })
      })

      test('PRES-1, PRES-4, WS-8 is refused by WebSocket', async () => {
        const framed = new Framed(gateway.url, freshRoom(), { presence })
        expect((await framed.closed).reason).toMatch(/^bad_request/)
      })
    },
  )

  test('PRES-4 a rev that never was is answered by a sync', async () => {
    const framed = await Framed.open(gateway.url, freshRoom(), { presence: 'r1' })
    expect(await framed.next()).toMatchObject({ action: 'sync', count: 1 })
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
