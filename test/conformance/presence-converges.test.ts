import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import type { Follower } from './clients/follower.ts'
import { say } from './clients/http.ts'
import { tellingTransports, transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { endSession, putPresence, Roster, whoIsHere } from './clients/presence.ts'
import { chapter, freshRoom, freshSecret, type Gateway, range } from './suite.ts'

/** What may happen to one of a few participants, each of which comes on another transport every time. */
const moves = fc.array(
  fc.record({
    who: fc.nat({ max: 7 }),
    does: fc.oneof(
      { weight: 6, arbitrary: fc.constant('comes' as const) },
      { weight: 4, arbitrary: fc.constant('sets' as const) },
      { weight: 2, arbitrary: fc.constant('goes' as const) },
      { weight: 5, arbitrary: fc.constant('ends' as const) },
      { weight: 2, arbitrary: fc.constant('says' as const) },
      { weight: 4, arbitrary: fc.constant('sleeps' as const) },
    ),
    state: fc.nat({ max: 2 }),
    /** Else the next one happens while it does. */
    isAwaited: fc.boolean(),
  }),
  { minLength: 10, maxLength: 40, size: 'max' },
)

type Moves = typeof moves extends fc.Arbitrary<infer M> ? M : never

class Participant {
  readonly resume = freshSecret()
  session: string | undefined
  #connection: Follower | undefined
  #times = 0

  async move(gateway: Gateway, room: string, { does, state }: Moves[number]): Promise<void> {
    if (does === 'comes') {
      await this.#connection?.close()
      const { open } = transports[this.#times++ % transports.length] as (typeof transports)[number]
      this.session ??= (await ask(gateway.url, room, { resume: this.resume })).session
      this.#connection = await open(gateway.url, room, { resume: this.resume, presence: 1 })
    } else if (does === 'sets') {
      const { http } = await putPresence(gateway.url, room, this.resume, `{"state":${state || 'null'}}`)
      expect([200, 404]).toContain(http)
    } else if (does === 'goes') {
      await this.#connection?.close()
    } else if (does === 'ends' && this.session !== undefined) {
      await endSession(gateway.url, room, this.session)
      this.#connection = undefined
    } else if (does === 'says') await say(gateway.url, room, 'amid')
  }
}

async function asleep(gateway: Gateway, room: string): Promise<void> {
  await gateway.running.evict?.(room, 'hibernate').catch((error) => {
    if (!/not currently running/.test(`${error}`)) throw error
  })
}

async function play(gateway: Gateway, list: Moves): Promise<void> {
  const room = freshRoom()
  const watchers = await Promise.all(tellingTransports.map(({ open }) => open(gateway.url, room, { presence: 1 })))
  const rosters = watchers.map(() => new Roster())
  const participants = range(8).map(() => new Participant())
  const busy: (Promise<void> | undefined)[] = []
  for (const move of list) {
    if (move.does === 'sleeps') {
      // Sleep comes only when nothing is under way.
      await Promise.all(busy)
      await asleep(gateway, room)
    }
    // One after the other for each, or nobody could say what became of it.
    busy[move.who] = (busy[move.who] ?? Promise.resolve()).then(() => participants[move.who]?.move(gateway, room, move))
    if (move.isAwaited) await busy[move.who]
  }
  await Promise.all(busy)
  // Once more while it is quiet: a poll's session whose answer was cut off may be back for a moment.
  await eventually('all agree', async () => {
    await say(gateway.url, room, 'quiet')
    for (const [i, watcher] of watchers.entries()) {
      for (const event of await watcher.presenceUntil('quiet')) rosters[i]?.hear(event)
    }
    const here = await whoIsHere(gateway.url, room)
    return rosters.every((roster) => roster.agrees(here))
  }).catch(async () => {
    const here = await whoIsHere(gateway.url, room)
    for (const roster of rosters) roster.expectToBe(here)
  })
  for (const each of watchers) await each.close()
}

describe.each([
  { size: 'as large as you like', env: {} },
  { size: 'large from six on', env: { HOLDLINE_PRESENCE_LIST: '5' } },
])('rooms $size', ({ env }) => {
  chapter(
    'presence converges',
    (gateway) => {
      test('PRES-4, PRES-1 whatever happens, the folded list and rev of each transport are those of the room', async () => {
        await fc.assert(
          fc.asyncProperty(moves, (list) => play(gateway, list)),
          { numRuns: 8, endOnFailure: true },
        )
      })
    },
    { env },
  )
})
