import { describe, expect, it } from 'vitest'
import { Sessions } from '../../../src/room/sessions.ts'
import { World } from './world.ts'

it('SES-4 no session outlives its room’s birth by more than a grace, also where the clock was set back', () => {
  const sessions = new Sessions(
    [{ id: 'a', endsAt: 5_000_000 }, { id: 'b' }, { id: 'c', endsAt: 1_020_000 }],
    30_000,
    1_000_000,
  )
  expect(sessions.expire(1_029_999).map(({ session }) => session.id)).toEqual(['c'])
  expect(sessions.expire(1_030_000).map(({ session }) => session.id)).toEqual(['a', 'b'])
})

/** Over the wire nobody has a user until tokens say who it is. */
describe.each([
  { how: 'as it is', amnesia: false },
  { how: 'born again before every event', amnesia: true },
])('sessions of users, the room $how', ({ amnesia }) => {
  it('SES-2 a session belongs to its first user, also while nobody is connected', () => {
    const world = new World({ amnesia })
    const watcher = world.connect({ session: 'w', presence: '' })
    const ada = world.connect({ session: 'a', user: 'ada', presence: '' })
    world.settles()
    const refused = [{ session: 'a', user: 'eve' }, { session: 'a' }, { session: 'w', user: 'eve' }]
    for (const hello of refused) expect(world.connect(hello).closed).toMatchObject({ code: 4503 })
    world.leaves(ada)
    for (const hello of refused) expect(world.connect(hello).closed).toMatchObject({ code: 4503 })
    const again = world.connect({ session: 'a', user: 'ada', presence: '' })
    world.settles()
    expect(again.closed).toBeUndefined()
    const told = watcher.events.filter(({ type }) => type === 'presence')
    expect(told).toMatchObject([{ action: 'sync', members: [{ session: 'w' }, { session: 'a', user: 'ada' }] }])
  })
})
