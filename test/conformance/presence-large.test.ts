import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { say } from './clients/http.ts'
import { tellingTransportsOf } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { endSession, Roster, whoIsHere } from './clients/presence.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const LARGE = 5
const SMALL = 4
const SAMPLE = 50

chapter(
  'presence in a large room',
  (gateway) => {
    const join = async (room: string, count: number): Promise<Framed[]> => {
      const crowd: Framed[] = []
      for (const _ of range(count)) crowd.push(await Framed.open(gateway.url, room, { presence: 1 }))
      return crowd
    }

    test.each(tellingTransportsOf(gateway))(
      'PRES-6 on $name changes are counts, lists a sample; when the room is small again all hear who is here',
      async ({ name, open }) => {
        const room = freshRoom()
        const watcher = await open(gateway.url, room, { presence: 1 })
        const crowd = await join(room, 59)
        const roster = new Roster()
        const until = async (count: number, action?: string) => {
          while (roster.count !== count || (action === 'sync' && roster.members === undefined)) {
            const event = await watcher.next()
            if (event.type === 'presence') roster.hear(event)
          }
          return roster.expectToBe(await whoIsHere(gateway.url, room))
        }
        await until(60)
        const { count, members } = await whoIsHere(gateway.url, room)
        expect([count, members.length]).toEqual([60, SAMPLE])
        for (const { welcome } of crowd.slice(SMALL - 1)) await endSession(gateway.url, room, welcome.session)
        await until(SMALL)
        // Each poll may come back to a sync, which up to the number holds all.
        if (name !== 'poll') expect(roster.members).toBeUndefined()
        await endSession(gateway.url, room, crowd[0]?.welcome.session)
        await until(SMALL - 1, 'sync')
      },
    )

    test('PRES-6 up to the number each is named, beyond it none; a state changes the rev and nothing else', async () => {
      const room = freshRoom()
      const [watcher] = await join(room, 1)
      const crowd = await join(room, LARGE - 1)
      await say(gateway.url, room, 'named')
      const named = (await watcher?.presenceUntil('named')) ?? []
      expect(named.slice(-(LARGE - 1)).map(({ action }) => action)).toEqual(crowd.map(() => 'join'))
      const [last] = await join(room, 1)
      await last?.ask({ op: 'presence', state: 'told to nobody' })
      await eventually('the count has settled', async () => {
        await say(gateway.url, room, 'end')
        const told = (await watcher?.presenceUntil('end')) ?? []
        expect(told.map(({ action, count }) => [action, count])).toEqual(told.map(() => ['count', LARGE + 1]))
        // Who is told a count has the rev of one; a sample that shows everybody has that of a list.
        return watcher?.rev === (await whoIsHere(gateway.url, room)).rev.replace(/^r/, 'c')
      })
    })

    test('PRES-6 a room that shrinks and grows, asleep between any two, never leaves anyone with a stale list', async () => {
      const room = freshRoom()
      const watcher = await Framed.open(gateway.url, room, { presence: 1 })
      const roster = new Roster()
      const agrees = async () => {
        await eventually('the watcher knows', async () => {
          await say(gateway.url, room, 'told')
          for (const event of await watcher.presenceUntil('told')) roster.hear(event)
          return roster.agrees(await whoIsHere(gateway.url, room))
        })
        await gateway.running.evict?.(room, 'hibernate')
      }
      const crowd: (string | undefined)[] = []
      const resize = async (size: number) => {
        while (crowd.length < size) {
          crowd.push((await ask(gateway.url, room, { resume: freshSecret(), presence: 1 })).session)
          await agrees()
        }
        while (crowd.length > size) {
          await endSession(gateway.url, room, crowd.shift())
          await agrees()
        }
      }
      for (const size of [LARGE + 1, SMALL - 1, LARGE + 1, 1]) await resize(size)
    })

    test('PRES-6 many who come at once are told by few counts, so that the cost is not their square', async () => {
      const room = freshRoom()
      const [watcher] = await join(room, LARGE + 1)
      const crowd = range(150).map(() => Framed.open(gateway.url, room, { presence: 1 }))
      const heard = await watcher?.inbox.until(({ count }) => count === LARGE + 151)
      await Promise.all(crowd)
      expect(heard?.filter(({ action }) => action === 'join').length).toBeLessThanOrEqual(LARGE + 1)
      expect(watcher?.rev).toBe((await whoIsHere(gateway.url, room)).rev)
    })

    test('PRES-4, PRES-6 who comes back with the rev of a large room hears nothing, else a sample', async () => {
      const room = freshRoom()
      await join(room, 60)
      await eventually('60 are here', async () => (await whoIsHere(gateway.url, room)).count === 60)
      const stale = await Framed.open(gateway.url, room, { presence: 'r0' })
      const sync = await stale.next()
      expect([sync.action, sync.count, sync.members?.length]).toEqual(['sync', 61, SAMPLE])
      // Its own coming is a change; its coming back is none.
      const resume = freshSecret()
      const late = await Framed.open(gateway.url, room, { resume, presence: `${sync.rev}` })
      const change = await late.next()
      expect([change.action, change.count]).toEqual(['count', 62])
      await late.close()
      const back = await Framed.open(gateway.url, room, { resume, presence: `${change.rev}` })
      await say(gateway.url, room, 'end')
      expect(await back.presenceUntil('end')).toEqual([])
    })
  },
  { env: { HOLDLINE_PRESENCE_LIST: `${LARGE}` } },
)
