import { describe, expect, it } from 'vitest'
import type { Pass } from '../../../src/protocol/capabilities.ts'
import { World } from './world.ts'

const NOW = 1_700_000_000_000
const pass = (...grants: Pass['grants']): Pass => ({ grants, issuedAt: NOW, expiresAt: NOW + 3_600_000 })

describe.each([false, true])('who may be in a room, reborn at each event: %s', (amnesia) => {
  it('AUTH-10 what is older than ten minutes is withheld, and said to be', () => {
    const world = new World({ amnesia })
    world.publishes({ data: 'old' })
    world.settles()
    world.passes(11 * 60_000)
    world.publishes({ data: 'new' })
    world.settles()
    const from = { cursor: '0-0' }
    const [reads, mayNot, rewinds, plain] = [
      world.connect({ session: 'a', ...from, pass: pass('subscribe', 'history') }),
      world.connect({ session: 'b', ...from, pass: pass('subscribe') }),
      world.connect({ session: 'c', codec: 'plain', rewind: 5, pass: pass('subscribe') }),
      world.connect({ session: 'd', codec: 'plain', ...from, pass: pass('subscribe') }),
    ]
    world.settles()
    expect(reads.messages).toEqual(['old', 'new'])
    expect(mayNot.messages).toEqual(['new'])
    expect(mayNot.events.find(({ type }) => type === 'gap')).toMatchObject({ after: '0-0', reason: 'forbidden' })
    expect(mayNot.events[0]).toMatchObject({ type: 'welcome', recovered: false })
    expect(rewinds.frames).toEqual(['new'])
    expect(plain.closed).toMatchObject({ code: 4502 })
    world.asks({ type: 'history', query: { limit: 10 }, reader: {}, pass: pass('subscribe') })
    world.settles()
    const page = world.replies.at(-1)
    expect(page).toMatchObject({ type: 'history', page: { gap: { reason: 'forbidden' }, messages: [{}] } })
  })

  it('AUTH-8 a token ends its connection to the millisecond, and that of nobody else', () => {
    const world = new World({ amnesia })
    const ends = world.connect({ session: 'a', pass: pass('subscribe') })
    const lasts = world.connect({ session: 'b', pass: { ...pass('subscribe'), expiresAt: NOW + 7_200_000 } })
    const open = world.connect({ session: 'c' })
    world.passes(3_599_999)
    expect(ends.closed).toBeUndefined()
    world.passes(1)
    expect([ends.closed?.code, lasts.closed, open.closed]).toEqual([4010, undefined, undefined])
    world.passes(3_600_000)
    expect([lasts.closed?.code, open.closed]).toEqual([4010, undefined])
  })

  it('AUTH-7 passes of polls are kept until they end, and no longer; a fresh one takes the place of the old', () => {
    const world = new World({ amnesia })
    const poll = (session: string, more: object) =>
      world.connect({ session, kind: 'poll', codec: 'poll', cursor: '0-0', ...more })
    poll('a', { pass: { ...pass('subscribe', 'publish'), tokenId: 'first' } })
    poll('a', { pass: { ...pass('subscribe'), tokenId: 'second' } })
    world.settles()
    const kept = () => world.log.load().sessions.flatMap((row) => (row.kept && 'pass' in row.kept ? [row.kept] : []))
    expect(kept()).toMatchObject([{ session: 'a', pass: { tokenId: 'second', grants: ['subscribe'] } }])
    world.passes(3_600_000)
    poll('b', { pass: { ...pass('subscribe'), expiresAt: NOW + 7_200_000 } })
    world.settles()
    expect(kept().map(({ session }) => session)).toEqual(['b'])
  })

  it('AUTH-9 a token that was made after its user was revoked is let in', () => {
    const world = new World({ amnesia })
    const before = world.connect({ session: 'a', user: 'eve', pass: pass('subscribe') })
    world.asks({ type: 'revoke', revocations: [{ kind: 'user', name: 'eve', until: NOW + 60_000 }] })
    world.settles()
    expect(before.closed?.code).toBe(4507)
    world.passes(1000)
    expect(world.connect({ session: 'b', user: 'eve', pass: pass('subscribe') }).closed?.code).toBe(4507)
    const after = world.connect({ session: 'c', user: 'eve', pass: { ...pass('subscribe'), issuedAt: NOW + 1000 } })
    expect(after.closed).toBeUndefined()
  })
})

// Not reborn at each event, since there are thousands.
describe('passes of polls', () => {
  it('AUTH-7 of one bearer so many are kept, the last that polled, and nobody else loses theirs', () => {
    const world = new World({})
    const poll = (session: string, more: object) =>
      world.connect({ session, kind: 'poll', codec: 'poll', cursor: '0-0', ...more })
    const kept = () =>
      world.log.load().sessions.flatMap((row) => (row.kept && 'pass' in row.kept ? [row.kept.session] : []))
    const comesBack = (session: string) => poll(session, { onResume: true }).closed === undefined
    poll('ada', { user: 'ada', pass: pass('subscribe') })
    const crowds = [{ user: 'eve' }, { pass: { ...pass('subscribe'), tokenId: 'shared' } }]
    for (const [i, who] of crowds.entries()) {
      for (let n = 0; n < 1000; n++) poll(`${i}-${n}`, { pass: pass('subscribe'), ...who })
      world.settles()
      expect(comesBack(`${i}-0`)).toBe(true)
      for (let n = 1000; n < 1010; n++) poll(`${i}-${n}`, { pass: pass('subscribe'), ...who })
      world.settles()
      expect(kept().filter((session) => session.startsWith(`${i}-`))).toHaveLength(1000)
      expect([`${i}-0`, `${i}-1`, `${i}-10`, `${i}-11`, `${i}-1009`].map(comesBack)).toEqual([
        true,
        false,
        false,
        true,
        true,
      ])
    }
    expect(comesBack('ada')).toBe(true)
    expect(kept()).toHaveLength(2001)
  })
})
