import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../src/protocol/limits.ts'
import type { ServerEvent } from '../../conformance/clients/events.ts'
import { type Presence, Roster } from '../../conformance/clients/presence.ts'
import { type VirtualConnection, World } from './world.ts'

const rooms = [
  { how: 'as it is', amnesia: false },
  { how: 'born again before every event', amnesia: true },
]

/** Somebody who follows presence over a connection that it keeps. */
class Watcher {
  readonly connection: VirtualConnection
  readonly roster = new Roster()
  #read = 0

  constructor(connection: VirtualConnection) {
    this.connection = connection
  }

  listens(): Roster {
    const { events } = this.connection
    for (; this.#read < events.length; this.#read++) {
      const event = events[this.#read] as unknown as ServerEvent
      if (event.type === 'presence') this.roster.hear(event)
    }
    return this.roster
  }
}

/** Somebody who polls, and so hears of presence only what its rev and the cursor get it. */
class Poller {
  readonly roster = new Roster()
  readonly #world: World
  #cursor = '0-0'
  #held: VirtualConnection | undefined

  constructor(world: World) {
    this.#world = world
  }

  /** Takes the answer if there is one, else goes on waiting. False: it waits. */
  polls(): boolean {
    this.#held ??= this.#world.connect({
      session: 'poller',
      kind: 'poll',
      codec: 'poll',
      cursor: this.#cursor,
      presence: this.roster.rev,
    })
    const [answer] = this.#held.frames
    if (answer === undefined) return false
    this.#held = undefined
    const { cursor, events } = JSON.parse(`${answer}}`) as { cursor: string; events: ServerEvent[] }
    this.#cursor = cursor
    for (const event of events) if (event.type === 'presence') this.roster.hear(event)
    return true
  }
}

function presenceIn(world: World): Presence {
  world.asks({ type: 'presence' })
  const { list } = world.replies.at(-1) as unknown as { list: Presence }
  const members = list.members.map(({ state, ...rest }) => ({
    ...rest,
    ...(state !== undefined && { state: JSON.parse(`${state}`) as unknown }),
  }))
  return { ...list, members }
}

const session = fc.nat({ max: 7 }).map((n) => `s${n}`)
const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('comes' as const), session }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('goes' as const), session }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('sets' as const), session, state: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('ends' as const), session }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('waits' as const), ms: fc.constantFrom(1000, LIMITS.grace) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('settles' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('publishes' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('stalls' as const, 'reads' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('polls' as const) }) },
)

type Move = typeof move extends fc.Arbitrary<infer M> ? M : never

describe.each(rooms)('presence, the room $how', ({ amnesia }) => {
  it('PRES-4 whatever happens, who listens, stalls or polls ends with the list and the rev that there are', () => {
    const play = (moves: readonly Move[]) => {
      const world = new World({ amnesia })
      const open = new Map<string, VirtualConnection>()
      const [steady, slow] = [
        new Watcher(world.connect({ session: 'steady', presence: '' })),
        new Watcher(world.connect({ session: 'slow', presence: '' })),
      ]
      const poller = new Poller(world)
      const leave = (name: string) => {
        const connection = open.get(name)
        open.delete(name)
        if (connection !== undefined) world.leaves(connection)
      }
      for (const each of moves) {
        if (each.does === 'comes') {
          leave(each.session)
          open.set(each.session, world.connect({ session: each.session, presence: '' }))
        } else if (each.does === 'goes') leave(each.session)
        else if (each.does === 'sets') {
          const state = each.state === 0 ? null : `${each.state}`
          world.asks({ type: 'present', session: each.session, state })
        } else if (each.does === 'ends') {
          world.asks({ type: 'disconnect', id: each.session })
          leave(each.session)
        } else if (each.does === 'waits') world.passes(each.ms)
        else if (each.does === 'settles') world.settles()
        else if (each.does === 'publishes') world.publishes({ data: 1 })
        else if (each.does === 'stalls') slow.connection.credits = 0
        else if (each.does === 'reads') world.drains(slow.connection, 1_000_000)
        else poller.polls()
      }
      world.settles()
      world.drains(slow.connection, 1_000_000)
      world.settles()
      for (let idle = 0; idle < 2; idle = poller.polls() ? 0 : idle + 1) world.settles()
      const here = presenceIn(world)
      for (const roster of [steady.listens(), slow.listens(), poller.roster]) roster.expectToBe(here)
    }
    fc.assert(fc.property(fc.array(move, { maxLength: 60, size: 'max' }), play), { numRuns: 500 })
  })

  it('PRES-4 a rev stands for the states as well, also of a session that ended and came again', () => {
    const world = new World({ amnesia })
    const begin = (state: string) => {
      const connection = world.connect({ session: 'a', presence: '' })
      world.says(connection, `{"op":"presence","state":"${state}"}`)
      world.settles()
      return connection
    }
    const first = begin('busy')
    const { rev } = presenceIn(world)
    world.asks({ type: 'disconnect', id: 'a' })
    world.leaves(first)
    begin('free')
    expect(presenceIn(world).rev).not.toBe(rev)
  })

  it('PRES-4 who falls behind with the very change that it misses is told of it', () => {
    const world = new World({ amnesia })
    const watcher = new Watcher(world.connect({ session: 'watcher', presence: '' }))
    world.settles()
    watcher.connection.credits = 0
    world.connect({ session: 'a', presence: '' })
    world.settles()
    world.drains(watcher.connection, 1_000_000)
    world.settles()
    watcher.listens().expectToBe(presenceIn(world))
  })

  it('PRES-4 a poll that is answered with messages is told who is here too, or in a busy room it never would be', () => {
    const world = new World({ amnesia })
    const poller = new Poller(world)
    world.connect({ session: 'a', presence: '' })
    for (let i = 0; i < 3; i++) {
      world.publishes({ data: i })
      world.settles()
      poller.polls()
      world.settles()
      expect(poller.polls()).toBe(true)
      poller.roster.expectToBe(presenceIn(world))
    }
  })
})

describe('presence and sessions between connections', () => {
  it('PRES-2 a session between two polls may set its state, is present from then on, and ends in its time', () => {
    // A room that has slept since knows nothing of a session that was not present (SES-4).
    const world = new World()
    const watcher = new Watcher(world.connect({ session: 'watcher', presence: '' }))
    world.connect({ session: 'a', kind: 'poll', codec: 'poll' })
    world.asks({ type: 'present', session: 'a', state: '1' })
    world.settles()
    expect(world.replies.at(-1)).not.toHaveProperty('code')
    watcher.listens().expectToBe(presenceIn(world))
    expect(presenceIn(world).members).toContainEqual({ session: 'a', state: 1 })
    for (let graces = 0; graces < 2; graces++) {
      world.passes(LIMITS.grace + 1)
      world.settles()
    }
    watcher.listens().expectToBe(presenceIn(world))
    expect(presenceIn(world).count).toBe(1)
  })

  it('SES-1 a session whose grace is over is found by nobody, also where no alarm had to end it', () => {
    const world = new World()
    for (const ask of [
      () => world.asks({ type: 'session', id: 'a' }),
      () => world.asks({ type: 'present', session: 'a', state: '1' }),
      () => world.asks({ type: 'disconnect', id: 'a' }),
    ]) {
      world.leaves(world.connect({ session: 'a' }))
      world.passes(LIMITS.grace + 1)
      ask()
      world.settles()
      expect(world.replies.at(-1)).toMatchObject({ code: 'not_found' })
    }
  })
})
