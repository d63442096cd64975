import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readAsked } from '../../../src/gateway/multi/asked.ts'
import { readLines } from '../../../src/gateway/multi/lines.ts'
import { Multiplexed } from '../../../src/gateway/multi/multiplexed.ts'
import { Vector } from '../../../src/gateway/multi/vector.ts'
import type { Leg, Runtime } from '../../../src/gateway/ports.ts'
import { codecs, Pack } from '../../../src/protocol/codec/index.ts'
import { formatCursor } from '../../../src/protocol/cursor.ts'
import { jsonBody } from '../../../src/protocol/data.ts'
import { toEntry } from '../../../src/protocol/entry.ts'
import {
  ackEvent,
  cursorEvent,
  errorEvent,
  gapEvent,
  historyEvent,
  type Item,
  PING_TEXT,
  PONG_TEXT,
  welcomeEvent,
} from '../../../src/protocol/events.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import type { Hello } from '../../../src/room/ports.ts'

const cursorAt = (offset: number) => formatCursor({ epoch: '0mwtl6cl88j2mbh', offset })

describe('MULTI-3 the cursor of several rooms', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9_.:~@-]{1,128}$/), { minLength: 1, maxLength: 32 })
  const cursors = (count: number) => fc.array(fc.option(fc.nat()), { minLength: count, maxLength: count })

  it('is read as it was written, with its mark or without, and what is not known stays so', () => {
    fc.assert(
      fc.property(
        names.chain((rooms) => fc.tuple(fc.constant(rooms), cursors(rooms.length))),
        ([rooms, offsets]) => {
          const vector = new Vector(rooms)
          for (const [i, offset] of offsets.entries()) {
            if (offset !== null) vector.move(`${rooms[i]}`, cursorAt(offset))
          }
          const text = `${vector}`
          expect(text).toMatch(/^[a-z0-9.-]+$/)
          const bare = text.slice(text.indexOf('.') + 1)
          for (const each of bare === '' ? [text] : [text, bare]) {
            const read = new Vector(rooms, each)
            const wanted = offsets.map((offset) => (offset === null ? undefined : cursorAt(offset)))
            expect(rooms.map((room) => read.get(room))).toEqual(wanted)
            expect(`${read}`).toBe(text)
          }
        },
      ),
    )
  })

  it('of one room may be that room’s own', () => {
    expect(new Vector(['a'], '0-0').get('a')).toBe('0-0')
  })

  it.each(['', 'x.y', '0-0', '0-0.0-0.0-0', '0-0.0-0.0-0.0-0', '1.0-0.0-0', '0-0.0-0 '])(
    '%j does not fit two rooms',
    (text) => {
      expect(() => new Vector(['a', 'b'], text)).toThrow('A cursor')
    },
  )
})

describe('MULTI-2 events of a room, on their way to who follows several', () => {
  const message = (json: string, offset: number | null) =>
    toEntry(
      { id: 'i', body: jsonBody(json, LIMITS.payload) },
      offset === null ? null : { epoch: '0mwtl6cl88j2mbh', offset },
      1,
    )
  const welcome = { room: 'a', session: 's', cursor: '0-0', head: cursorAt(1), recovered: false, heartbeat: 25 }
  const gap = { after: cursorAt(1), before: cursorAt(5), reason: 'retention' } as const
  const items: Item[] = [
    welcomeEvent(welcome),
    message('{"cursor":"x"}', 7),
    message('1.0', null),
    cursorEvent(cursorAt(9)),
    gapEvent(gap),
    ackEvent({ cursor: cursorAt(10), id: 'i' }),
    errorEvent('r', 'busy', 'later'),
    historyEvent(undefined, { messages: [message('2', 3)], next: cursorAt(3), prev: null }),
  ]

  it('name the room once, and move the cursor as the room says', () => {
    const lines = readLines(new Pack(codecs.lines.encode(items, '', '')), 'a')
    expect(lines.map(({ type, cursor }) => [type, cursor])).toEqual(items.map(({ type, cursor }) => [type, cursor]))
    for (const [i, { json }] of lines.entries()) {
      expect(json.match(/"room":"a"/g)).toHaveLength(1)
      const { room: _, ...rest } = JSON.parse(json) as Record<string, unknown>
      const { room: __, ...wanted } = JSON.parse(`${items[i]?.json}`) as Record<string, unknown>
      expect(rest).toEqual(wanted)
    }
    expect(lines[2]?.json).toContain('"data":1.0,')
  })
})

describe('a WebSocket that carries several rooms', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  interface Dialled {
    hello: Hello
    leg: Leg
    sent: string[]
    isOpen: boolean
  }

  /** Rooms that say nothing by themselves. `delay`: what dialling waits for. */
  async function multiplexed(rooms: string, delay: () => Promise<void> = async () => {}, takes = true) {
    const dials: Dialled[] = []
    const reported: unknown[] = []
    const runtime = {
      payloadLimit: LIMITS.payload,
      roomsPerConnection: LIMITS.rooms,
      report: (error: unknown) => void reported.push(error),
      room: () => ({
        async dial(hello: Hello, leg: Leg) {
          await delay()
          const dialled: Dialled = { hello, leg, sent: [], isOpen: true }
          dials.push(dialled)
          return {
            send(text: string) {
              if (takes) dialled.sent.push(text)
              return takes
            },
            drained() {},
            close() {
              dialled.isOpen = false
            },
          }
        },
      }),
    } as unknown as Runtime
    const frames: string[] = []
    const closed: [number, string][] = []
    let owed = 0
    const socket = {
      send: (text: string) => void frames.push(text),
      credit: () => LIMITS.ahead - owed,
      close: (code: number, reason: string) => void closed.push([code, reason]),
    }
    const asked = readAsked((name) => (name === 'rooms' ? rooms : undefined), LIMITS.rooms)
    const client = new Multiplexed(socket, asked, runtime)
    const events = () => frames.flatMap((frame) => JSON.parse(frame) as Record<string, unknown>[])
    const owe = (bytes: number) => {
      owed = bytes
    }
    return { client, dials, reported, frames, closed, events, owe }
  }
  const dialled = (dials: Dialled[], count: number) => vi.waitFor(() => expect(dials).toHaveLength(count))

  it('WS-11 who has pinged and then falls silent is closed with 4004, who never did is not', async () => {
    const [pings, quiet] = [await multiplexed('a,b'), await multiplexed('a')]
    await dialled(pings.dials, 2)
    pings.client.message(PING_TEXT)
    expect(pings.frames).toEqual([PONG_TEXT])
    await vi.advanceTimersByTimeAsync(50_000)
    pings.client.message(PING_TEXT)
    await vi.advanceTimersByTimeAsync(54_000)
    expect(pings.closed).toEqual([])
    await vi.advanceTimersByTimeAsync(2000)
    expect(pings.closed).toEqual([[4004, 'silent']])
    expect(pings.events().at(-1)).toMatchObject({ type: 'closing', code: 4004 })
    expect(pings.dials.map(({ isOpen }) => isOpen)).toEqual([false, false])
    await vi.advanceTimersByTimeAsync(500_000)
    expect([quiet.closed, vi.getTimerCount()]).toEqual([[], 0])
  })

  it('MULTI-12 rooms that were being dialled when the client went are hung up on', async () => {
    const waiting: (() => void)[] = []
    const { client, dials } = await multiplexed('a,b,c', () => new Promise((resolve) => void waiting.push(resolve)))
    await vi.waitFor(() => expect(waiting).toHaveLength(3))
    client.message('{"op":"leave","room":"a"}')
    client.closed()
    for (const proceed of waiting) proceed()
    await dialled(dials, 3)
    await vi.waitFor(() => expect(dials.map(({ isOpen }) => isOpen)).toEqual([false, false, false]))
  })

  it('MULTI-6 a room that takes no more is busy, and what was sent before it was reached is bounded', async () => {
    const full = await multiplexed('a', undefined, false)
    await dialled(full.dials, 1)
    await new Promise((resolve) => setImmediate(resolve))
    full.client.message('{"op":"history","room":"a","ref":1}')
    await Promise.resolve()
    expect(full.events()).toMatchObject([{ type: 'error', room: 'a', ref: 1, code: 'busy' }])
    const far = await multiplexed('a', () => new Promise(() => {}))
    const large = `{"op":"publish","room":"a","data":"${'x'.repeat(60_000)}"}`
    for (let i = 0; i < 20; i++) far.client.message(large)
    await Promise.resolve()
    expect(far.events().map(({ code }) => code)).toEqual(['busy', 'busy', 'busy'])
  })

  it('MULTI-8 a room that cannot be reached is left with the ref, and the operator is told', async () => {
    const { client, events, reported } = await multiplexed('a')
    const failing = await multiplexed('a', () => Promise.reject(new Error('reset')))
    failing.client.message('{"op":"join","room":"b","ref":"j"}')
    await vi.waitFor(() => expect(failing.events()).toHaveLength(2))
    const [a, b] = failing.events()
    expect(a).toMatchObject({ type: 'left', room: 'a', code: 4012 })
    expect(b).toMatchObject({ type: 'left', room: 'b', ref: 'j', code: 4012, reason: 'storage' })
    expect(failing.reported).toHaveLength(2)
    expect([events(), reported]).toEqual([[], []])
    client.closed()
  })

  it('DRAIN-1 one room that is sent away takes all along, with its advice', async () => {
    const { dials, closed, events } = await multiplexed('a,b')
    await dialled(dials, 2)
    dials[0]?.leg.write(new Pack(['{"type":"closing","code":4000,"reason":"drain","retryAfter":7.5}\n']))
    dials[0]?.leg.closed(4000, 'drain')
    dials[1]?.leg.closed(4000, 'drain')
    expect(events()).toEqual([{ type: 'closing', code: 4000, reason: 'drain', retryAfter: 7.5 }])
    expect(closed).toEqual([[4000, 'drain']])
  })

  it('MULTI-11 a room’s probe is answered when the client takes more, and rooms see what all of them owe', async () => {
    const { dials, owe } = await multiplexed('a,b')
    await dialled(dials, 2)
    await new Promise((resolve) => setImmediate(resolve))
    const [a, b] = dials as [Dialled, Dialled]
    a.leg.write(new Pack(['{"type":"probe","n":5}\n']))
    expect(a.sent).toEqual(['{"op":"probe","n":5}'])
    owe(2 * LIMITS.ahead)
    a.leg.write(new Pack(['{"type":"probe","n":9}\n']))
    expect([a.leg.credit() < 0, b.leg.credit(), a.sent.length]).toEqual([true, a.leg.credit(), 1])
    // However much that is, the room sees that the client reads, and has no reason to end its part (FAN-4).
    let before = -LIMITS.ahead - 1
    for (let owed = 3 * LIMITS.ahead; owed > LIMITS.ahead; owed -= 1000) {
      owe(owed)
      expect(b.leg.credit()).toBeGreaterThan(before)
      before = b.leg.credit()
    }
    expect(before).toBeLessThan(0)
    owe(0)
    await vi.advanceTimersByTimeAsync(300)
    expect([a.sent[1], b.sent]).toEqual(['{"op":"probe","n":9}', []])
    expect(b.leg.credit()).toBe(LIMITS.ahead)
  })

  it('MULTI-11 who is owed too much is closed with 4003', async () => {
    const { dials, owe, closed } = await multiplexed('a,b')
    await dialled(dials, 2)
    owe(6 * LIMITS.ahead)
    dials[1]?.leg.write(new Pack(['{"type":"message","id":"i","data":1,"time":1}\n']))
    await Promise.resolve()
    expect(closed).toEqual([[4003, 'more']])
    expect(dials.map(({ isOpen }) => isOpen)).toEqual([false, false])
  })

  it('what rooms say in one turn leaves in one array', async () => {
    const { dials, frames } = await multiplexed('a,b')
    await dialled(dials, 2)
    for (const [i, { leg }] of dials.entries())
      leg.write(new Pack([`{"type":"message","id":"${i}","data":1,"time":1}\n`]))
    await Promise.resolve()
    expect(frames.map((frame) => JSON.parse(frame).length)).toEqual([2])
  })
})
