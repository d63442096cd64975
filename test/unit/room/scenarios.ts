import { expect } from 'vitest'
import { Refusal } from '../../../src/protocol/errors.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { parsePublication } from '../../../src/protocol/operations.ts'
import type { Incoming } from '../../../src/room/incoming.ts'
import { Room, type RoomClass, type Session } from '../../../src/room/room.ts'
import type { ServerEvent } from '../../conformance/clients/events.ts'
import { Roster } from '../../conformance/clients/presence.ts'
import type { VirtualConnection, World } from './world.ts'

export interface Scenario {
  readonly room?: RoomClass
  play(world: World): void
}

const publish = (data: unknown, more: object = {}) => ({ op: 'publish', data, ...more })
const cursorOf = (world: World, at: number) => (world.replies[at] as { cursor: string }).cursor

class Counter extends Room<{ count: number }> {
  override onOpen(session: Session): void {
    this.state ??= { count: 0 }
    this.broadcast(`${session.id} joined`)
  }

  override onMessage(session: Session | null, message: Incoming): void {
    if (message.data === 'no') throw new Refusal('forbidden', 'not this')
    if (message.data === 'crash') {
      this.broadcast('half done')
      throw new TypeError('a bug')
    }
    if (message.data === 'quiet') return
    if (this.state === null) throw new Error('no state')
    this.state.count++
    this.broadcast({ count: this.state.count })
    if (session !== null) this.send(session, 'yours')
  }

  override onClose(session: Session): void {
    this.broadcast(`${session.id} left`)
  }
}

/** What a room does, told as stories. Each is played twice: once as it is, and once with amnesia before every event, unless something waits for its commit. */
export const scenarios: Record<string, Scenario> = {
  'a message reaches everyone, then is acknowledged': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      world.says(a, publish({ n: 1 }, { ref: 7 }))
      expect(b.messages).toEqual([])
      world.settles()
      expect(a.messages).toEqual([{ n: 1 }])
      expect(b.messages).toEqual([{ n: 1 }])
      const ack = a.events.find((event) => event.type === 'ack')
      expect(ack).toMatchObject({ ref: 7, cursor: b.events.at(-1)?.cursor, id: b.events.at(-1)?.id })
    },
  },
  'nothing is delivered before it is committed': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      world.says(a, publish(1), publish(2))
      expect([...a.messages, ...b.messages]).toEqual([])
      world.step()
      expect(b.messages).toEqual([1, 2])
    },
  },
  'who comes while a commit is under way gets it once': {
    play(world) {
      const a = world.connect({ session: 'a' })
      world.says(a, publish('before'))
      world.settles()
      world.says(a, publish('under way'))
      const b = world.connect({ session: 'b', rewind: 5 })
      world.settles()
      expect(b.messages).toEqual(['before', 'under way'])
    },
  },
  'who resumes gets what it missed in pages, then turns live without a seam': {
    play(world) {
      const a = world.connect({ session: 'a' })
      const big = 'x'.repeat(60_000)
      for (let i = 0; i < 20; i++) world.says(a, publish(`${i}${big}`))
      world.settles()
      const b = world.connect({ session: 'b', cursor: '0-0' })
      for (let i = 20; i < 30; i++) {
        world.says(a, publish(`${i}${big}`))
        world.step()
      }
      world.settles()
      expect(b.messages.map((text) => Number.parseInt(text as string, 10))).toEqual([...Array(30).keys()])
      expect(b.attachment.at).toBeUndefined()
    },
  },
  'who does not read falls behind, and is replayed when it reads again': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      b.credits = 1
      for (let i = 0; i < 5; i++) {
        world.says(a, publish(i))
        world.settles()
      }
      expect(b.messages).toEqual([0])
      expect(world.room.hasStuck).toBe(true)
      world.drains(b, 1_000_000)
      world.settles()
      expect(b.messages).toEqual([0, 1, 2, 3, 4])
      world.says(a, publish(5))
      world.settles()
      expect(b.messages).toEqual([0, 1, 2, 3, 4, 5])
      expect(a.messages).toEqual([0, 1, 2, 3, 4, 5])
    },
  },
  'FAN-4 who has not read for long is given up, and may come back': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      b.credits = 0
      world.says(a, publish(1))
      world.settles()
      world.passes(LIMITS.patience)
      world.room.lookAfter()
      expect(b.closed).toBeUndefined()
      world.passes(1)
      world.room.lookAfter()
      expect(b.closed).toEqual({ code: 4001, reason: 'slow' })
      expect(b.events.at(-1)).toEqual({ type: 'closing', code: 4001, reason: 'slow', retryAfter: 1 })
      const again = world.connect({ session: 'b', cursor: '0-0' })
      world.settles()
      expect(again.messages).toEqual([1])
    },
  },
  'PLAIN-3 what is pruned before a plain connection has read it is no hole in its stream, but its end': {
    play(world) {
      const big = 'x'.repeat(60_000)
      const a = world.connect({ session: 'a' })
      for (let i = 0; i < 10; i++) {
        world.says(a, publish(`${i}${big}`))
        world.settles()
      }
      const { cursor } = a.events.find(({ data }) => `${data}`.startsWith('0')) as { cursor: string }
      const plain = (hello: object) => world.connect({ session: 'p', codec: 'plain', ...hello })
      const numbers = ({ frames }: VirtualConnection) => frames.map((frame) => Number.parseInt(`${frame}`, 10))
      const [resumed, rewound] = [plain({ cursor }), plain({ rewind: 9 })]
      while (rewound.frames.length === 0) world.step()
      const began = numbers(rewound)
      expect(began).toEqual([1, 2, 3, 4])
      world.log.keep({ count: 3, age: LIMITS.grace })
      for (let i = 0; i < 3; i++) world.log.append([], world.now())
      const atOnce = plain({ rewind: 9 })
      world.settles()
      expect([resumed.closed, rewound.closed]).toEqual([
        { code: 4502, reason: 'gap' },
        { code: 4502, reason: 'gap' },
      ])
      expect(numbers(rewound)).toEqual(began)
      expect([numbers(atOnce), atOnce.closed]).toEqual([[7, 8, 9], undefined])
    },
  },
  'FAN-4 who reads, however slowly, is not given up': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      b.credits = -5000
      world.says(a, publish(1))
      world.settles()
      for (let n = 0; n < 4; n++) {
        world.passes(LIMITS.patience - 1)
        b.credits += 1000
        world.room.lookAfter()
      }
      expect(b.closed).toBeUndefined()
      // What it is told besides is no reading of its own.
      world.passes(LIMITS.patience)
      b.credits -= 500
      world.room.lookAfter()
      world.passes(1)
      b.credits += 0
      world.room.lookAfter()
      expect(b.closed).toEqual({ code: 4001, reason: 'slow' })
    },
  },
  'FAN-4, SES-1 who was given up is gone, though its end of the wire never says so': {
    play(world) {
      const a = world.connect({ session: 'a', presence: '' })
      const b = world.connect({ session: 'b', presence: '' })
      world.settles()
      b.credits = 0
      world.says(a, publish(1))
      world.settles()
      world.passes(LIMITS.patience + 1)
      world.room.lookAfter()
      expect([b.closed?.code, world.room.hasStuck]).toEqual([4001, false])
      world.passes(LIMITS.grace)
      world.settles()
      expect(a.events.at(-1)).toMatchObject({ type: 'presence', action: 'leave', session: 'b' })
    },
  },
  'SES-3, ERR-5 the oldest connection is replaced each time, though none of them ever says that it is gone': {
    play(world) {
      const all = Array.from({ length: 7 }, () => world.connect({ session: 'a' }))
      expect(all.map(({ closed }) => closed?.code)).toEqual([4505, 4505, 4505, ...Array(4).fill(undefined)])
      world.says(all[0] as (typeof all)[0], publish('too late'))
      world.settles()
      expect(all[6]?.messages).toEqual([])
    },
  },
  'a repeat never acts where the first one left nothing': {
    room: class extends Room {
      override onMessage(_session: Session | null, message: Incoming): void {
        this.broadcast({ clean: message.data }, { ephemeral: true })
      }
    },
    play(world) {
      const a = world.connect({ session: 'a' })
      const evil = publish('evil', { id: 'x' })
      world.says(a, evil, evil)
      world.settles()
      expect(a.messages).toEqual([{ clean: 'evil' }])
      expect(world.log.load().head.epochs).toEqual([])
    },
  },
  'a callback that is asynchronous is told so, and does nothing': {
    room: class extends Room {
      // TypeScript lets a promise pass for void, and so will somebody.
      override async onMessage(): Promise<void> {
        this.broadcast('half done')
        throw new Error('late')
      }
    },
    play(world) {
      const a = world.connect({ session: 'a' })
      world.says(a, publish(1, { ref: 1 }))
      world.settles()
      expect(a.events.at(-1)).toMatchObject({ ref: 1, code: 'internal' })
      expect(world.reported).toMatchObject([{ message: expect.stringContaining('synchronous') }])
      expect(a.messages).toEqual([])
    },
  },
  'a plain connection whose message a callback could not handle is closed; one whose message it refused goes on': {
    room: class extends Room {
      override onMessage(_session: Session | null, { data }: Incoming): void {
        if (data === 'no') throw new Refusal('forbidden', 'not that')
        throw new Error('broken')
      }
    },
    play(world) {
      const a = world.connect({ session: 'a', codec: 'plain' })
      world.says(a, 'no')
      expect(a.closed).toBeUndefined()
      world.says(a, 'yes')
      expect(a.closed).toEqual({ code: 1011, reason: 'internal' })
      expect(world.reported).toMatchObject([{ message: 'broken' }])
    },
  },
  'a plain connection that falls behind is closed': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b', codec: 'plain' })]
      b.credits = 0
      world.says(a, publish('lost on it'))
      world.settles()
      expect(b.closed).toEqual({ code: 4001, reason: 'slow' })
      expect(b.frames).toEqual([])
    },
  },
  'PUB-9 a plain connection whose message the room cannot take is closed, not left to think that it was sent': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a', codec: 'plain' }), world.connect({ session: 'b' })]
      const big = 'x'.repeat(60_000)
      let taken = 0
      for (world.says(a, big); a.closed === undefined && taken < 100; world.says(a, big)) taken++
      expect(a.closed).toEqual({ code: 4011, reason: 'busy' })
      world.settles()
      // All that came before, and nothing of what it was closed for.
      expect(taken).toBeGreaterThan(10)
      expect(b.messages).toHaveLength(taken)
    },
  },
  'plain says what was said, and not to who said it': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a', codec: 'plain' }), world.connect({ session: 'b', codec: 'plain' })]
      const c = world.connect({ session: 'c' })
      world.says(a, 'text', new Uint8Array([0, 255]))
      world.says(c, publish('said'), publish({ x: [1] }))
      world.settles()
      expect(a.frames).toEqual(['said', '{"x":[1]}'])
      expect(b.frames).toEqual(['text', new Uint8Array([0, 255]), 'said', '{"x":[1]}'])
      expect(c.messages).toEqual(['text', undefined, 'said', { x: [1] }])
    },
  },
  'an audience holds live, on resume and in history': {
    play(world) {
      const [a, b, c] = [
        world.connect({ session: 'a' }),
        world.connect({ session: 'b' }),
        world.connect({ session: 'c' }),
      ]
      world.says(a, publish('for b', { to: { sessions: ['b'] } }), publish('not c', { except: ['c'] }))
      world.says(a, publish('others', { echo: false }), publish('all'))
      world.settles()
      const expected = { a: ['not c', 'all'], b: ['for b', 'not c', 'others', 'all'], c: ['others', 'all'] }
      expect({ a: a.messages, b: b.messages, c: c.messages }).toEqual(expected)
      for (const [session, messages] of Object.entries(expected)) {
        const again = world.connect({ session, cursor: '0-0' })
        world.settles()
        expect(again.messages).toEqual(messages)
        world.asks({ type: 'history', query: { limit: 10 }, reader: { session } })
        world.settles()
        const reply = world.replies.at(-1) as unknown as { page: { messages: { json: string }[] } }
        expect(reply.page.messages.map(({ json }) => JSON.parse(json).data)).toEqual(messages)
      }
    },
  },
  'who sees nothing of a busy room hears how far it has come': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      for (let i = 0; i < LIMITS.invisible; i++) world.says(a, publish(i, { to: { sessions: ['a'] } }))
      world.settles()
      expect(b.messages).toEqual([])
      expect(b.events.at(-1)).toEqual({
        type: 'cursor',
        cursor: a.events.filter((event) => event.cursor).at(-1)?.cursor,
      })
    },
  },
  'ephemeral messages keep their place and are not in the log': {
    play(world) {
      const [a, b] = [world.connect({ session: 'a' }), world.connect({ session: 'b' })]
      world.says(a, publish('hi'), publish('typing', { ephemeral: true }), publish('done'))
      world.settles()
      expect(b.messages).toEqual(['hi', 'typing', 'done'])
      expect(b.events.find((event) => event.data === 'typing')).not.toHaveProperty('cursor')
      const late = world.connect({ session: 'c', cursor: '0-0' })
      world.settles()
      expect(late.messages).toEqual(['hi', 'done'])
    },
  },
  'the same id again is the same message; with other content it is refused': {
    play(world) {
      world.publishes({ id: 'one', data: 1 }, 'a')
      world.publishes({ id: 'one', data: 1 }, 'a')
      world.settles()
      world.publishes({ id: 'one', data: 1 }, 'a')
      world.publishes({ id: 'one', data: 2 }, 'a')
      world.publishes({ id: 'one', data: 2 }, 'b')
      world.settles()
      const first = cursorOf(world, 0)
      expect(world.replies).toMatchObject([
        { id: 'one', cursor: first },
        { cursor: first, duplicate: true },
        { cursor: first, duplicate: true },
        { type: 'error', code: 'id_reused' },
        { type: 'published', id: 'one' },
      ])
      expect(cursorOf(world, 4)).not.toBe(first)
    },
  },
  'a poll is answered once: at once, or when something comes': {
    play(world) {
      const poll = (hello: object) => world.connect({ session: 'p', kind: 'poll', codec: 'poll', ...hello })
      const first = poll({})
      expect(first.frames).toEqual(['{"cursor":"0-0","head":"0-0","events":[]'])
      const held = poll({ cursor: '0-0' })
      world.publishes({ data: 1 })
      expect(held.frames).toEqual([])
      world.settles()
      world.publishes({ data: 2 })
      world.settles()
      expect(held.frames).toHaveLength(1)
      expect(JSON.parse(`${held.frames[0]}}`)).toMatchObject({ cursor: cursorOf(world, 0), events: [{ data: 1 }] })
      const again = poll({ cursor: cursorOf(world, 0) })
      world.settles()
      expect(JSON.parse(`${again.frames[0]}}`)).toMatchObject({ cursor: cursorOf(world, 1), events: [{ data: 2 }] })
      const rewound = poll({ rewind: 2 })
      world.settles()
      expect(JSON.parse(`${rewound.frames[0]}}`).events).toHaveLength(2)
    },
  },
  'a gap is said aloud, and then comes what there is': {
    play(world) {
      world.publishes({ data: 1 })
      world.settles()
      const known = cursorOf(world, 0)
      const [epoch] = known.split('-') as [string]
      const beyond = world.connect({ session: 'a', cursor: `${epoch}-15` })
      const elsewhere = world.connect({ session: 'b', cursor: `${epoch.replace(/.$/, '1')}-12` })
      const poll = world.connect({ session: 'c', kind: 'poll', codec: 'poll', cursor: `${epoch}-15` })
      const plain = world.connect({ session: 'd', codec: 'plain', cursor: `${epoch}-15` })
      world.settles()
      expect(beyond.events).toMatchObject([
        { type: 'welcome', recovered: false, cursor: `${epoch}-15`, head: known },
        { type: 'gap', after: `${epoch}-15`, before: known, reason: 'rolled-back' },
      ])
      expect(elsewhere.events.slice(1)).toMatchObject([{ type: 'gap', before: '0-0', reason: 'epoch' }, { data: 1 }])
      expect(JSON.parse(`${poll.frames[0]}}`)).toMatchObject({ cursor: known, events: [{ type: 'gap' }] })
      expect(plain.closed).toEqual({ code: 4502, reason: 'gap' })
    },
  },
  'a room that is only read has nothing stored': {
    play(world) {
      const a = world.connect({ session: 'a', cursor: '0-0' })
      world.connect({ session: 'b', rewind: 10 })
      world.asks({ type: 'history', query: { limit: 10 }, reader: {} })
      world.asks({ type: 'info' })
      world.leaves(a)
      world.settles()
      expect(world.log.load()).toEqual({
        head: { epochs: [], floor: { epoch: '0', offset: 0 } },
        sessions: [],
        state: null,
        waiting: 0,
      })
      expect(world.replies).toMatchObject([
        { type: 'info', info: { cursor: '0-0', connections: { websocket: 2 } } },
        { type: 'history', page: { messages: [], next: '0-0', prev: null } },
      ])
    },
  },
  'bad operations are answered and the connection goes on': {
    play(world) {
      const a = world.connect({ session: 'a' })
      world.says(
        a,
        '{',
        new Uint8Array([1]),
        { op: 'dance', ref: 1 },
        { op: 'publish', ref: 2, dta: 1 },
        publish('fine'),
      )
      world.settles()
      const codes = a.events.filter((event) => event.type === 'error').map(({ code, ref }) => [code, ref])
      expect(codes).toEqual([
        ['bad_request', undefined],
        ['bad_request', undefined],
        ['unknown_op', 1],
        ['unknown_field', 2],
      ])
      expect(a.messages).toEqual(['fine'])
    },
  },
  'an application answers, keeps state, and hears who comes and goes': {
    room: Counter,
    play(world) {
      const a = world.connect({ session: 'a' })
      world.says(a, publish('go', { ref: 1 }), publish('no', { ref: 2 }), publish('crash', { ref: 3 }))
      world.says(a, publish('quiet', { ref: 4 }), publish('go', { ref: 5 }))
      world.settles()
      expect(a.messages).toEqual(['a joined', { count: 1 }, 'yours', { count: 2 }, 'yours'])
      const answers = a.events.filter(({ ref }) => ref !== undefined).map(({ type, ref, code }) => [ref, code ?? type])
      expect(answers.sort()).toEqual([
        [1, 'ack'],
        [2, 'forbidden'],
        [3, 'internal'],
        [4, 'ack'],
        [5, 'ack'],
      ])
      expect(world.reported).toMatchObject([{ message: 'a bug' }])
      expect(JSON.parse(world.log.load().state as string)).toEqual({ count: 2 })
      world.leaves(a)
      const b = world.connect({ session: 'b' })
      world.settles()
      expect(b.messages).not.toContain('a left')
      world.passes(LIMITS.grace + 1)
      world.settles()
      expect(b.messages.at(-1)).toBe('a left')
    },
  },
  'a reconnect within the grace is no leave and join': {
    room: Counter,
    play(world) {
      const b = world.connect({ session: 'b' })
      let a = world.connect({ session: 'a' })
      world.settles()
      for (let i = 0; i < 3; i++) {
        world.leaves(a)
        world.passes(LIMITS.grace / 2)
        a = world.connect({ session: 'a' })
        world.settles()
      }
      world.passes(LIMITS.grace * 2)
      world.settles()
      expect(b.messages.filter((m) => /^a /.test(String(m)))).toEqual(['a joined'])
    },
  },
  'a retried id does not act twice': {
    room: Counter,
    play(world) {
      const a = world.connect({ session: 'a' })
      world.settles()
      world.says(a, publish('go', { id: 'move', ref: 1 }), publish('go', { id: 'move', ref: 2 }))
      world.settles()
      world.says(a, publish('go', { id: 'move', ref: 3 }))
      world.settles()
      const acks = a.events.filter((event) => event.type === 'ack')
      expect(acks).toMatchObject([{ ref: 1 }, { ref: 2, duplicate: true }, { ref: 3, duplicate: true }])
      expect(new Set(acks.map(({ cursor }) => cursor)).size).toBe(1)
      expect(JSON.parse(world.log.load().state as string)).toEqual({ count: 1 })
    },
  },
  'presence: who comes, changes and goes is told once, to those who asked': {
    play(world) {
      const deaf = world.connect({ session: 'x' })
      const a = world.connect({ session: 'a', presence: '' })
      world.settles()
      const b = world.connect({ session: 'b', user: 'bob', presence: '' })
      world.says(b, '{"op":"presence","state":{"mood":1.0},"ref":1}')
      world.settles()
      let again = world.connect({ session: 'b', user: 'bob', presence: '' })
      world.leaves(b)
      for (let i = 0; i < 3; i++) {
        world.leaves(again)
        world.passes(LIMITS.grace / 2)
        again = world.connect({ session: 'b', user: 'bob', presence: '' })
      }
      world.leaves(again)
      world.settles()
      world.passes(LIMITS.grace + 1)
      world.settles()
      expect(presenceOf(a)).toEqual([
        { action: 'sync', count: 1, members: [{ session: 'a' }] },
        { action: 'join', session: 'b', user: 'bob' },
        { action: 'update', session: 'b', user: 'bob', state: { mood: 1 } },
        { action: 'leave', session: 'b' },
      ])
      expect(a.frames.join('')).toContain('"state":{"mood":1.0}')
      expect(presenceOf(deaf)).toEqual([])
    },
  },
  'presence: who comes back with the rev that there is hears nothing, else one sync': {
    play(world) {
      const a = world.connect({ session: 'a', presence: '' })
      world.settles()
      const { rev } = a.events.at(-1) as { rev: string }
      const poll = (session: string, presence: string) =>
        world.connect({ session, kind: 'poll', codec: 'poll', cursor: '0-0', presence })
      const same = poll('a', rev)
      expect(same.frames).toEqual([])
      world.says(a, '{"op":"presence","state":1}')
      world.settles()
      expect(JSON.parse(`${same.frames[0]}}`).events).toMatchObject([{ action: 'update', session: 'a', state: 1 }])
      const stale = poll('a', rev)
      expect(JSON.parse(`${stale.frames[0]}}`).events).toMatchObject([
        { action: 'sync', count: 1, members: [{ state: 1 }] },
      ])
      const now = (JSON.parse(`${stale.frames[0]}}`).events[0] as { rev: string }).rev
      expect(now).not.toBe(rev)
      expect(poll('a', now).frames).toEqual([])
    },
  },
  'presence: who was behind is told what it missed when it is live again': {
    play(world) {
      const a = world.connect({ session: 'a', presence: '' })
      world.settles()
      a.credits = 0
      const b = world.connect({ session: 'b', presence: '' })
      world.says(b, publish('lost'))
      world.settles()
      world.leaves(b)
      world.passes(LIMITS.grace + 1)
      const c = world.connect({ session: 'c', presence: '' })
      world.settles()
      world.drains(a, 1_000_000)
      world.settles()
      expect(presenceOf(a).at(-1)).toMatchObject({ action: 'sync', count: 2 })
      expect(presenceOf(c)[0]).toMatchObject({ action: 'sync', count: 2 })
      expect(a.messages).toEqual(['lost'])
    },
  },
  'PRES-4, PRES-6 who comes back knowing how many are here, to a room that names each again, is told who': {
    play(world) {
      const watcher = world.connect({ session: 'w', presence: '' })
      const crowd = [...Array(6).keys()].map((i) => world.connect({ session: `s${i}`, presence: '' }))
      world.settles()
      for (const each of crowd.splice(3)) world.leaves(each)
      world.passes(LIMITS.grace)
      world.settles()
      const { rev, ...last } = watcher.events.at(-1) as { rev: string }
      expect(last).toEqual({ type: 'presence', action: 'count', count: 4 })
      world.leaves(watcher)
      // One less, so that the room names each, and the same again.
      world.asks({ type: 'disconnect', id: 's0' })
      world.settles()
      world.connect({ session: 's0', presence: '' })
      world.settles()
      const back = world.connect({ session: 'w', presence: rev })
      world.connect({ session: 'x', presence: '' })
      world.settles()
      const roster = new Roster()
      for (const event of back.events) if (event.type === 'presence') roster.hear(event as unknown as ServerEvent)
      expect(roster.count).toBe(5)
    },
  },
  'presence: a large room tells how many, and names each again when it is small': {
    play(world) {
      const watcher = world.connect({ session: 'watcher', presence: '' })
      world.settles()
      const crowd = [...Array(9).keys()].map((i) => world.connect({ session: `s${i}`, presence: '' }))
      world.settles()
      const counts = presenceOf(watcher).filter(({ action }) => action === 'count')
      expect(counts.at(-1)).toEqual({ action: 'count', count: 10 })
      expect(counts.length).toBeLessThan(crowd.length)
      const late = world.connect({ session: 's0', presence: '' })
      expect(presenceOf(late)[0]).toMatchObject({ action: 'sync', count: 10 })
      world.leaves(late)
      for (const one of crowd) world.leaves(one)
      world.passes(LIMITS.grace + 1)
      world.settles()
      expect(presenceOf(watcher).at(-1)).toMatchObject({ action: 'leave' })
      expect(presenceOf(watcher)).toContainEqual(expect.objectContaining({ action: 'sync', count: 3 }))
    },
  },
  'a session has four connections, and can be ended': {
    play(world) {
      const connections = [...Array(5).keys()].map(() => world.connect({ session: 'a', presence: '' }))
      expect(connections.map(({ closed }) => closed?.code)).toEqual([4505, undefined, undefined, undefined, undefined])
      world.leaves(connections[0] as VirtualConnection)
      const watcher = world.connect({ session: 'w', presence: '' })
      world.settles()
      world.asks({ type: 'session', id: 'a' })
      expect(world.replies.at(-1)).toMatchObject({
        sessions: [{ session: 'a', present: true, connections: Array(4).fill('websocket') }],
      })
      world.asks({ type: 'disconnect', id: 'a' })
      // Until it has been committed it may yet be there again.
      expect(world.replies).toHaveLength(1)
      world.settles()
      expect(world.replies.slice(1)).toEqual([{ type: 'published' }])
      expect(connections.slice(1).map(({ closed }) => closed?.code)).toEqual([4506, 4506, 4506, 4506])
      expect(presenceOf(watcher).at(-1)).toEqual({ action: 'leave', session: 'a' })
      for (const connection of connections.slice(1)) world.leaves(connection)
      world.asks({ type: 'disconnect', id: 'a' })
      expect(world.replies.at(-1)).toMatchObject({ code: 'not_found' })
      expect(world.log.load().sessions).toMatchObject([{ id: 'w' }])
    },
  },
  'a session belongs to its first user': {
    play(world) {
      world.connect({ session: 'a', user: 'ada', presence: '' })
      world.settles()
      expect(world.connect({ session: 'a', user: 'eve' }).closed).toMatchObject({ code: 4503 })
    },
  },
  'PUB-5 the same from another session of its user is the same, also where it is not to hear itself': {
    play(world) {
      const said = publish(1, { id: 'm', ref: 1, echo: false })
      const [phone, desk] = ['phone', 'desk'].map((session) => world.connect({ session, user: 'ada' }))
      world.says(phone as VirtualConnection, said)
      world.settles()
      world.says(desk as VirtualConnection, said)
      world.settles()
      expect(desk?.events.at(-1)).toMatchObject({ type: 'ack', duplicate: true })
      world.says(desk as VirtualConnection, publish(1, { id: 'm', ref: 2 }))
      world.settles()
      expect(desk?.events.at(-1)).toMatchObject({ type: 'error', code: 'id_reused' })
    },
  },
  'BATCH-2 what is known in a batch does not tear it apart': {
    room: Counter,
    play(world) {
      const publication = (source: string) => parsePublication(source, LIMITS.payload)
      world.connect({ session: 'a' })
      world.publishes({ data: 'known', id: 'k' })
      world.settles()
      const publications = ['{"data":1}', '{"data":"known","id":"k"}', '{"data":2}'].map(publication)
      world.asks({ type: 'batch', publications })
      expect(world.isWhole).toBe(true)
    },
  },
  'a batch is written as one and answered item by item': {
    play(world) {
      const publication = (source: string) => parsePublication(source, LIMITS.payload)
      const sources = ['{"data":1,"id":"x"}', '{"data":2}', '{"data":1,"id":"x"}', '{"data":3,"id":"x"}']
      world.asks({ type: 'batch', publications: sources.map(publication) })
      world.settles()
      expect(world.replies).toMatchObject([
        { type: 'batch', replies: [{ id: 'x' }, { type: 'published' }, { duplicate: true }, { code: 'id_reused' }] },
      ])
    },
  },
}

const presenceOf = (connection: VirtualConnection): Record<string, unknown>[] =>
  connection.events
    .filter(({ type }) => type === 'presence')
    .map(({ type: _, rev, ...rest }) => {
      expect(rev).toMatch(/^[rc][0-9a-z]+$/)
      return rest
    })
