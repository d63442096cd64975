import { limitsOf } from '../../../src/gateway/access/limits.ts'
import { Readings } from '../../../src/node/metrics/readings.ts'
import { Rooms, type RoomsOptions } from '../../../src/node/rooms.ts'
import { parsePublication } from '../../../src/protocol/operations.ts'
import type { Hello, Reply } from '../../../src/room/ports.ts'
import { Room } from '../../../src/room/room.ts'

const limits = limitsOf({}, 'loopback')

/** The rooms of a process that has no sockets, in memory if they are given no file. */
export function open(options: Partial<RoomsOptions> = {}) {
  const told: unknown[] = []
  const rooms = new Rooms({
    file: ':memory:',
    room: Room,
    limits,
    backend: null,
    verify: async () => ({}),
    tell: (...what) => told.push(what),
    readings: new Readings(),
    ...options,
  })
  const publish = (room: string, data: string): Promise<Reply> => {
    const publication = parsePublication(JSON.stringify({ data, id: data.slice(0, 20) }), limits.payload)
    return rooms.get(room).command({ type: 'publish', publication })
  }
  const heard: string[] = []
  const closed: number[] = []
  const follow = (room: string, more: Partial<Hello> = {}) =>
    rooms.get(room).dial(
      { kind: 'websocket', codec: 'framed', session: 'reader', ...more },
      {
        write: ({ frames }) => heard.push(...frames.map(String)),
        credit: () => Number.POSITIVE_INFINITY,
        closed: (code) => closed.push(code),
      },
    )
  const messages = () =>
    heard.flatMap((frame) => JSON.parse(frame)).flatMap(({ type, data }) => (type === 'message' ? [data] : []))
  return { rooms, publish, follow, messages, closed, told }
}
