import { describe, expect, it } from 'vitest'
import { jsonBody } from '../../../src/protocol/data.ts'
import type { Incoming } from '../../../src/room/incoming.ts'
import type { Answered, Question } from '../../../src/room/questions.ts'
import { Room, type Session } from '../../../src/room/room.ts'
import { Verdicts } from '../../../src/room/verdicts.ts'
import { VirtualConnection, World } from './world.ts'

const verdict = { error: 'unauthorized', message: 'no' } as const
const auth = (line: VirtualConnection, token = 't') => ({ hook: 'auth', line, token }) as const
const turn = (line: VirtualConnection, size = 1): Question => ({ hook: 'turn', line, parsed: { op: 'ping' }, size })

describe('what waits for verdicts', () => {
  it('ASK-6 is told in the order of its line; other lines go on', () => {
    const told: Answered[] = []
    const verdicts = new Verdicts((answered) => told.push(answered))
    const [a, b] = [new VirtualConnection(), new VirtualConnection()]
    const questions = [auth(a, '1'), auth(a, '2'), auth(b, '3')] as const
    for (const question of [...questions.slice(0, 2), turn(a), ...questions.slice(2)])
      expect(verdicts.add(question)).toBe(true)
    for (const question of questions.toReversed()) verdicts.decided(question, { ...question, verdict })
    expect(told.map((each) => (each.hook === 'auth' ? each.token : each.hook))).toEqual(['3', '1', '2', 'turn'])
    expect(verdicts.isEmpty).toBe(true)
  })

  it('ASK-6 is bounded, by line and in all; what is alone is taken', () => {
    const verdicts = new Verdicts(() => {})
    const line = new VirtualConnection()
    expect(verdicts.add(auth(line))).toBe(true)
    expect(verdicts.add(turn(line, 1024 * 1024))).toBe(false)
    expect(verdicts.add(turn(new VirtualConnection(), 3 * 1024 * 1024))).toBe(true)
    expect(verdicts.add(turn(new VirtualConnection(), 1024 * 1024))).toBe(false)
    expect(verdicts.add(turn(new VirtualConnection(), 1024))).toBe(true)
  })

  it('ASK-6 a decision about what is not there is nothing', () => {
    const verdicts = new Verdicts(() => expect.unreachable())
    const question = auth(new VirtualConnection())
    verdicts.decided(question, { ...question, verdict })
  })
})

describe.each([false, true])('a room that asks, forgetting all between any two events: %s', (amnesia) => {
  const judge = (member: string) =>
    member.includes('bad') ? ({ error: 'forbidden', message: 'no' } as const) : { rewrite: {} }

  it('ASK-6 commits in order, though answers come in any', () => {
    const world = new World({ amnesia, judge })
    const [ann, bob] = [world.connect({ session: 'ann' }), world.connect({ session: 'bob' })]
    for (const data of [1, 'bad', 2]) world.says(ann, { op: 'publish', data, ref: data })
    world.says(bob, { op: 'publish', data: 'bob' })
    for (const index of [3, 2, 1, 0]) expect(world.answers(index)).toBe(true)
    world.settles()
    expect(bob.messages).toEqual(['bob', 1, 2])
    expect(ann.events.filter(({ ref }) => ref !== undefined).map(({ type, ref }) => [type, ref])).toEqual([
      ['error', 'bad'],
      ['ack', 1],
      ['ack', 2],
    ])
  })

  it('AUTH-8, ASK-6 all waits for a fresh token; a presence state for the messages before it', () => {
    const world = new World({ amnesia, judge })
    const all = { grants: ['subscribe', 'publish', 'presence'], issuedAt: 0, expiresAt: 9e15 } as const
    world.verdicts.set('fresh', { pass: all })
    const ann = world.connect({ session: 'ann', presence: '', pass: { ...all, grants: ['subscribe', 'presence'] } })
    world.settles()
    world.says(ann, [
      { op: 'auth', token: 'fresh' },
      { op: 'publish', data: 1 },
      { op: 'presence', state: 's' },
      { op: 'publish', data: 2 },
    ])
    world.settles()
    const heard = ann.events.slice(2).map(({ type, action, data, code }) => code ?? action ?? data ?? type)
    expect(heard.filter((each) => each !== 'ack' && each !== 'join' && each !== 'sync')).toEqual([1, 'update', 2])
  })

  it('ASK-5 what an application answers is what was rewritten, and is not asked about itself', () => {
    class Echo extends Room {
      override onMessage(_: Session | null, { data }: Incoming): void {
        this.broadcast({ heard: data })
      }
    }
    const rewrite = { body: jsonBody('"polite"', 100) }
    const world = new World({ amnesia, room: Echo, judge: () => ({ rewrite }) })
    const ann = world.connect({ session: 'ann' })
    world.says(ann, { op: 'publish', data: 'rude', id: 'm1' })
    expect(ann.messages).toEqual([])
    expect(world.answers()).toBe(true)
    expect(world.answers()).toBe(false)
    world.settles()
    world.says(ann, { op: 'publish', data: 'rude', id: 'm1' })
    world.settles()
    expect(ann.messages).toEqual([{ heard: 'polite' }])
    expect(ann.events.at(-1)).toMatchObject({ type: 'ack', duplicate: true })
  })

  it('ASK-5 a repeat of what is not logged cannot pass unasked while that is on its way', () => {
    const world = new World({ amnesia, judge })
    const [ann, bob] = [world.connect({ session: 'ann' }), world.connect({ session: 'bob' })]
    world.says(ann, { op: 'publish', data: 'good', id: 'm1', ephemeral: true })
    expect(world.answers()).toBe(true)
    world.says(ann, { op: 'publish', data: 'bad', id: 'm1', ephemeral: true })
    world.settles()
    expect(bob.messages).toEqual(['good'])
    expect(ann.events.at(-1)).toMatchObject({ type: 'error', code: 'busy' })
  })
})
