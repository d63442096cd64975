import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { workerd } from '../targets/workerd.ts'
import { info, say } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { endSession, putPresence, Roster, sessionInfo, sessionPage, whoIsHere } from './clients/presence.ts'
import { Stream } from './clients/sse.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { freshRoom, freshSecret, Gateway, range } from './suite.ts'

const gateway = new Gateway(workerd)
beforeAll(() => gateway.start())
afterAll(() => gateway.stop())

/** What the room knew it must find again, in its rows and its sockets, between any two events. */
describe('presence and sessions through sleep on workerd', () => {
  const sleep = async (room: string) => {
    if (!gateway.running.evict) throw new Error('workerd can evict')
    await gateway.running.evict(room, 'hibernate')
  }

  test('PRES-1, PRES-3 asleep between any two events, each is told once, with the rev that it led to', async () => {
    const room = freshRoom()
    const watchers = [
      await Framed.open(gateway.url, room, { presence: 1 }),
      await Stream.open(gateway.url, room, { presence: 1 }),
    ]
    for (const watcher of watchers) await watcher.inbox.until(({ action }) => action === 'sync')
    // Their own coming is told to those who came before.
    await say(gateway.url, room, 'settled')
    for (const watcher of watchers) await watcher.presenceUntil('settled')
    const [resume, polling] = [freshSecret(), freshSecret()]
    const asleep = async <T>(act: () => Promise<T>): Promise<T> => {
      await sleep(room)
      return act()
    }
    const ben = await asleep(() => Framed.open(gateway.url, room, { resume, presence: 1 }))
    await asleep(() => ben.ask({ op: 'presence', state: { n: 1 } }))
    await asleep(() => ben.close())
    const back = await asleep(() => Plain.open(gateway.url, room, { resume, presence: 1 }))
    await asleep(() => putPresence(gateway.url, room, resume, '{"state":{"n":2}}'))
    const { session: poller } = await asleep(() => ask(gateway.url, room, { resume: polling, presence: 1 }))
    await asleep(() => putPresence(gateway.url, room, polling, '{"state":"between polls"}'))
    await asleep(() => endSession(gateway.url, room, ben.welcome.session))
    await back.closed
    await asleep(() => endSession(gateway.url, room, poller))
    const { rev, count } = await asleep(() => whoIsHere(gateway.url, room))
    await asleep(() => say(gateway.url, room, 'end'))
    for (const watcher of watchers) {
      const told = await watcher.presenceUntil('end')
      expect(told.map(({ action, session, state }) => [action, session, state])).toEqual([
        ['join', ben.welcome.session, undefined],
        ['update', ben.welcome.session, { n: 1 }],
        ['update', ben.welcome.session, { n: 2 }],
        ['join', poller, undefined],
        ['update', poller, 'between polls'],
        ['leave', ben.welcome.session, undefined],
        ['leave', poller, undefined],
      ])
      expect([told.at(-1)?.rev, count]).toEqual([rev, watchers.length])
    }
  })

  test('PRES-4 the rev outlives sleep and death, so who comes back with it hears nothing', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const crowd = []
    for (const i of range(5)) {
      const secret = i === 0 ? resume : freshSecret()
      crowd.push((await ask(gateway.url, room, { resume: secret, presence: 1 })).session)
      await putPresence(gateway.url, room, secret, `{"state":{ "n": ${i}.0 }}`)
    }
    let cursor = await say(gateway.url, room, 'before')
    const before = await whoIsHere(gateway.url, room)
    for (const stop of [() => sleep(room), () => gateway.running.crash()]) {
      await stop()
      expect({ ...(await whoIsHere(gateway.url, room)), members: [] }).toEqual({ ...before, members: [] })
      await stop()
      const same = await ask(gateway.url, room, { resume, presence: before.rev, cursor, wait: 0 })
      expect(same.events).toEqual([])
      await stop()
      const framed = await Framed.open(gateway.url, room, { resume, presence: before.rev })
      cursor = await say(gateway.url, room, 'end')
      expect(await framed.presenceUntil('end')).toEqual([])
      await framed.close()
    }
    const roster = new Roster()
    const [sync] = (await ask(gateway.url, room, { resume, presence: 1 })).events
    roster.hear(sync ?? { type: 'none' })
    roster.expectToBe(before)
    expect([...(roster.members?.keys() ?? [])].sort()).toEqual([...crowd].sort())
  })

  test('SES-3, SES-5 a session’s connections are known after a sleep, and which of them is the oldest', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const sockets: Framed[] = []
    for (const _ of range(4)) {
      sockets.push(await Framed.open(gateway.url, room, { resume }))
      await sleep(room)
    }
    const session = `${sockets[0]?.welcome.session}`
    expect((await sessionInfo(gateway.url, room, session))?.connections).toHaveLength(4)
    for (const oldest of sockets) {
      await sleep(room)
      await Framed.open(gateway.url, room, { resume })
      expect((await oldest.closed).code).toBe(4505)
    }
  })

  test('SES-5, SES-6 what is listed after a sleep is what was, and can be ended', async () => {
    const room = freshRoom()
    const cursor = await say(gateway.url, room, 'before')
    const [plain, framed] = [await Plain.open(gateway.url, room), await Framed.open(gateway.url, room, { presence: 1 })]
    const [resume, stream] = [freshSecret(), await Stream.open(gateway.url, room)]
    const held = ask(gateway.url, room, { resume, cursor, wait: 55 })
    await eventually('it is held', async () => (await info(gateway.url, room)).connections?.poll === 1)
    const before = await sessionPage(gateway.url, room)
    await sleep(room)
    expect(await sessionPage(gateway.url, room)).toEqual(before)
    for (const { session } of before.sessions) {
      await sleep(room)
      expect((await endSession(gateway.url, room, session)).http).toBe(204)
    }
    expect([(await plain.closed).code, (await framed.closed).code]).toEqual([4506, 4506])
    await stream.ended
    await held
    expect(await sessionPage(gateway.url, room)).toEqual({ sessions: [], next: null })
  })
})
