import { afterEach, expect, it, vi } from 'vitest'
import { limitsOf } from '../../../src/gateway/access/limits.ts'
import { codecs } from '../../../src/protocol/codec/index.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { parsePublication } from '../../../src/protocol/operations.ts'
import { MemoryLog } from '../../../src/room/log/memory.ts'
import type { Work } from '../../../src/room/ports.ts'
import { Pages, type Reading, readFor } from '../../../src/room/reading.ts'
import { Room } from '../../../src/room/room.ts'
import { Tally } from '../../../src/room/tally.ts'
import { VirtualConnection } from './world.ts'

afterEach(() => vi.restoreAllMocks())

/** A room with a log of so many messages, every tenth of them for one session alone, and what it asks to be read. */
function roomOf(messages: number) {
  const log = new MemoryLog('test00')
  const works: Work[] = []
  const reads: Reading[] = []
  const host = {
    commit: (work: Work) => works.push(work),
    backlog: () => 0,
    knows: () => false,
    read: (reader: Reading['reader'], scan: Reading['scan']) => reads.push({ reader, scan }),
    reply: () => {},
    wakeAt: () => {},
    now: () => 1_700_000_000_000,
    retryAfter: () => 1,
    randomId: () => 'id',
    ask: () => false,
    awaits: () => null,
    report: (error: unknown) => {
      throw error
    },
  }
  const born = () =>
    new Room(host, { name: 'lobby', limits: limitsOf({}, 'loopback'), tally: new Tally(), ...log.load() })
  for (let n = 0; n < messages; n++) {
    const to = n % 10 === 0 ? { to: { sessions: ['named'] } } : {}
    const publication = parsePublication(JSON.stringify({ data: n, ...to }), LIMITS.payload)
    born().command(n, { type: 'publish', publication })
  }
  log.append(works, host.now())
  return { log, room: born(), reads, host }
}

const dataOf = ({ events }: VirtualConnection) =>
  events.filter(({ type }) => type === 'message').map(({ data }) => data)

it('however many come back to the same place at once, what they missed is read once and packed once', () => {
  const { log, room, reads, host } = roomOf(100)
  const session = (n: number) => (n === 7 ? 'named' : `s${n}`)
  const connections = Array.from({ length: 50 }, (_, n) => {
    const connection = new VirtualConnection()
    room.open(connection, { kind: 'websocket', codec: 'framed', session: session(n), cursor: '0-0' })
    return connection
  })
  const [read, encode] = [vi.spyOn(log, 'read'), vi.spyOn(codecs.framed, 'encode')]
  const pages = new Pages(log)
  for (const each of reads.splice(0)) readFor(room, pages, each, host)
  expect(reads).toEqual([])
  expect(read).toHaveBeenCalledTimes(1)
  // One for all, and one for whom some of it names.
  expect(encode).toHaveBeenCalledTimes(2)
  const all = Array.from({ length: 100 }, (_, n) => n)
  const open = all.filter((n) => n % 10 !== 0)
  connections.forEach((connection, n) => {
    expect(dataOf(connection)).toEqual(n === 7 ? all : open)
  })
})

it('a few pages are remembered and no more', () => {
  const { log } = roomOf(20)
  const read = vi.spyOn(log, 'read')
  const pages = new Pages(log)
  const { epochs } = log.load().head
  const { name: epoch = '', last = 0 } = epochs[0] ?? {}
  const at = (offset: number) =>
    pages.read({ after: { epoch, offset }, through: { epoch, offset: last }, maxBytes: 1000 })
  for (let offset = 0; offset < 9; offset++) at(offset)
  expect(at(8)).toBe(at(8))
  expect(read).toHaveBeenCalledTimes(9)
  at(0)
  expect(read).toHaveBeenCalledTimes(10)
})
