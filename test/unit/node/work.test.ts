import { Duplex } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { limitsOf } from '../../../src/gateway/access/limits.ts'
import type { ClientSocket } from '../../../src/node/client-socket.ts'
import { WebSocketConnection } from '../../../src/node/connection.ts'
import { Readings } from '../../../src/node/metrics/readings.ts'
import { Rooms } from '../../../src/node/rooms.ts'
import type { Write } from '../../../src/node/sqlite/statements.ts'
import { SqliteStore } from '../../../src/node/sqlite/store.ts'
import { codecs, type Pack } from '../../../src/protocol/codec/index.ts'
import { parsePublication } from '../../../src/protocol/operations.ts'
import { Room } from '../../../src/room/room.ts'
import { range } from '../../conformance/suite.ts'

const limits = limitsOf({}, 'loopback')
const DATA = 'x'.repeat(128)

/** A WebSocket whose bytes go nowhere, and are counted. */
function wire(extensions = '') {
  const counted = { writes: 0, bytes: 0, last: Buffer.alloc(0) as Buffer }
  const socket = new Duplex({
    write(chunk: Buffer, _, done) {
      counted.writes++
      counted.bytes += chunk.length
      counted.last = chunk
      done()
    },
  })
  return {
    counted,
    connection: new WebSocketConnection({ readyState: 1, OPEN: 1, extensions } as ClientSocket, socket, true),
  }
}

function open() {
  const backend = null
  const verify = async () => ({})
  const told: unknown[] = []
  const rooms = new Rooms({
    file: ':memory:',
    room: Room,
    limits,
    backend,
    verify,
    tell: (...line) => void told.push(line),
    readings: new Readings(),
  })
  const publication = parsePublication(JSON.stringify({ data: DATA }), limits.payload)
  const publish = (room: string) => rooms.get(room).command({ type: 'publish', publication })
  const attach = (room: string, count: number, cursor?: string) =>
    range(count).map((i) => {
      const { counted, connection } = wire()
      const hello = {
        kind: 'websocket',
        codec: 'framed',
        session: `s${i}`,
        ...(cursor !== undefined && { cursor }),
      } as const
      rooms.get(room).attach(connection, hello)
      return counted
    })
  return { rooms, publish, attach, told }
}

/** Counted, not timed, so that a slip fails on any machine. */
describe('the work of a process, counted', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('what 500 are sent at once is framed once, and is one write to each', async () => {
    const { rooms, publish, attach } = open()
    await publish('lobby')
    const wires = attach('lobby', 500)
    for (const counted of wires) Object.assign(counted, { writes: 0, bytes: 0 })
    const encode = vi.spyOn(codecs.framed, 'encode')
    await Promise.all(range(100).map(() => publish('lobby')))
    expect(encode.mock.calls.length).toBe(1)
    expect(new Set(wires.map(({ last }) => last)).size).toBe(1)
    expect(new Set(wires.map(({ writes }) => writes))).toEqual(new Set([1]))
    expect(new Set(wires.map(({ bytes }) => bytes > 100 * DATA.length))).toEqual(new Set([true]))
    await rooms.close()
  })

  it('what 50 rooms have to write is one transaction, and what one room has, one row', async () => {
    const { rooms, publish } = open()
    const written: (readonly Write[])[] = []
    const { write } = SqliteStore.prototype
    vi.spyOn(SqliteStore.prototype, 'write').mockImplementation(function (this: SqliteStore, writes) {
      written.push(writes)
      return write.call(this, writes)
    })
    await Promise.all(range(1000).map((i) => publish(`room${i % 50}`)))
    // A room that was quiet begins at once, with the first; what came with it waits for the next.
    expect(written.length).toBeLessThanOrEqual(2)
    const packs = written.flat().filter(([name]) => name === 'addPack')
    expect(packs.length).toBeLessThanOrEqual(2 * 50)
    await rooms.close()
  })

  it('1,000 messages that come together to one room are a row for each 256 kB', async () => {
    const { rooms, publish } = open()
    const writes = vi.spyOn(SqliteStore.prototype, 'write')
    await Promise.all(range(1000).map(() => publish('lobby')))
    const rows = writes.mock.calls.flatMap(([all]) => all).filter(([name]) => name === 'addPack')
    const bytes = rows.reduce((sum, row) => sum + `${row.at(-1)}`.length, 0)
    expect(rows.length).toBeLessThanOrEqual(Math.ceil(bytes / (256 * 1024)) + 1)
    expect(rows.length).toBeLessThan(4)
    await rooms.close()
  })

  it('300 who come back together with what they have seen share one page: encoded once, framed once', async () => {
    const { rooms, publish, attach } = open()
    await Promise.all(range(100).map(() => publish('lobby')))
    const encode = vi.spyOn(codecs.framed, 'encode')
    const back = attach('lobby', 300, '0-0')
    await vi.waitUntil(() => back.every(({ bytes }) => bytes > 100 * DATA.length))
    // Each its own welcome, and the page: once for who asked first, once for all who have asked meanwhile.
    expect(encode.mock.calls.length).toBeLessThanOrEqual(300 + 2)
    expect(new Set(back.map(({ last }) => last)).size).toBeLessThanOrEqual(2)
    await rooms.close()
  })

  it('what 500 are sent compressed is compressed once: all are sent the same bytes', async () => {
    const { rooms, publish } = open()
    await publish('lobby')
    const wires = range(500).map((i) => {
      const { counted, connection } = wire('permessage-deflate')
      rooms.get('lobby').attach(connection, { kind: 'websocket', codec: 'framed', session: `s${i}` })
      return counted
    })
    await Promise.all(range(100).map(() => publish('lobby')))
    const { last } = wires[0] as (typeof wires)[0]
    expect(wires.every((counted) => counted.last === last)).toBe(true)
    expect(last.length).toBeLessThan(100 * DATA.length)
    await rooms.close()
  })
})

describe('the pace of polls', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it.each([
    [20, 20],
    [60, 25],
  ])(
    'FAN-1, POLL-3 who comes back while a room rests, after %d ms of work for %d, is answered after it, with what has come by then; else at once',
    async (took, rest) => {
      const { rooms, publish } = open()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      let now = 0
      vi.spyOn(performance, 'now').mockImplementation(() => now)
      const turn = () => new Promise((resolve) => setImmediate(resolve))
      const turns = async () => {
        for (const _ of range(10)) await turn()
      }
      const room = rooms.get('lobby')
      /** A poll from that cursor, whose answers are kept; to write one takes so long (ms). */
      const poll = (session: string, cursor: string, took = 0) => {
        const answers: { cursor: string; events: unknown[] }[] = []
        const write = ({ frames }: Pack) => {
          now += took
          answers.push(JSON.parse(`${frames[0]}}`))
        }
        room.dial({ kind: 'poll', codec: 'poll', session, cursor }, { write, credit: () => 1, closed() {} })
        return answers
      }
      const first = await publish('lobby')
      await turns()
      const cursor = first.type === 'published' ? (first.cursor as string) : ''
      const slow = poll('slow', cursor, took)
      await publish('lobby')
      expect(slow).toHaveLength(1)
      const back = poll('back', cursor)
      const next = publish('lobby')
      vi.advanceTimersByTime(rest - 1)
      await turns()
      expect(back).toHaveLength(0)
      vi.advanceTimersByTime(1)
      await next
      await turns()
      expect(back.map(({ events }) => events.length)).toEqual([2])
      // Nothing more goes on.
      const quiet = poll('quiet', cursor)
      await turn()
      await turn()
      expect(quiet.map(({ events }) => events.length)).toEqual([2])
      vi.useRealTimers()
      await rooms.close()
    },
  )

  it('DRAIN-1 what is still to be read when the gateway goes down is left, and nobody is told of an error', async () => {
    const { rooms, publish, told } = open()
    // It rests for a turn.
    vi.spyOn(performance, 'now').mockReturnValue(0)
    const room = rooms.get('lobby')
    await publish('lobby')
    // While it rests, one is to be answered after it, and one is read for as soon as others have had their turn.
    for (const kind of ['poll', 'sse'] as const) {
      const hello = { kind, codec: kind, session: kind, cursor: '0-0' } as const
      room.dial(hello, { write() {}, credit: () => 1, closed() {} })
    }
    await rooms.close()
    for (const _ of range(10)) await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
  })
})
