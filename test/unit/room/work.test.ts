import { afterEach, describe, expect, it, vi } from 'vitest'
import { codecs } from '../../../src/protocol/codec/index.ts'
import { Entry } from '../../../src/protocol/entry.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { range } from '../../conformance/suite.ts'
import { World } from './world.ts'

/** Counted, not timed: a slip that costs a factor on a million deliveries fails here, on any machine. */
const DATA = 'x'.repeat(128)
const publish = (i: number) => ({ op: 'publish', ref: i, data: DATA, echo: false })

/** So many who are live, on each codec that a WebSocket can have, and one who publishes. */
function crowd(size: number) {
  const world = new World()
  const framed = range(size).map((i) => world.connect({ session: `framed${i}` }))
  const plain = range(size).map((i) => world.connect({ session: `plain${i}`, codec: 'plain' }))
  const publisher = world.connect({ session: 'publisher' })
  world.settles()
  for (const { frames } of [...framed, ...plain]) frames.length = 0
  return { world, framed, plain, publisher }
}

describe('the work of a room, counted', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('what is committed together is encoded once per codec and pack, and written once to each, however many they are', () => {
    const count = (size: number) => {
      const { world, framed, plain, publisher } = crowd(size)
      const encodes = [vi.spyOn(codecs.framed, 'encode'), vi.spyOn(codecs.plain, 'encode')]
      const bare = vi.spyOn(Entry.prototype, 'plain')
      world.says(publisher, range(100).map(publish))
      world.settles()
      expect(framed.every((connection) => connection.frames.length === 1)).toBe(true)
      expect(plain.every((connection) => connection.frames.length === 100)).toBe(true)
      const counts = [...encodes, bare].map(({ mock }) => mock.calls.length)
      vi.restoreAllMocks()
      return counts
    }
    // Framed: the pack, and the publisher's own share of it, which has its acknowledgements.
    expect(count(300)).toEqual([2, 1, 100])
    expect(count(3)).toEqual(count(300))
  })

  it('one whom an audience names costs one pack more, and the others none', () => {
    const { world, framed, publisher } = crowd(200)
    const encode = vi.spyOn(codecs.framed, 'encode')
    world.says(publisher, [...range(50).map(publish), { ...publish(50), to: { sessions: ['framed7'] } }])
    world.settles()
    expect(framed[7]?.messages).toHaveLength(51)
    expect(framed[8]?.messages).toHaveLength(50)
    expect(encode.mock.calls).toHaveLength(3)
  })

  it('a large commit makes as many packs as its bytes need', () => {
    const { world, framed, publisher } = crowd(10)
    const encode = vi.spyOn(codecs.framed, 'encode')
    for (const from of range(4))
      world.says(
        publisher,
        range(250).map((i) => publish(from * 250 + i)),
      )
    world.settles()
    const bytes = framed[0]?.frames.join('').length ?? 0
    const packs = Math.ceil(bytes / LIMITS.pack)
    expect(framed[0]?.frames.length).toBeLessThanOrEqual(packs + 1)
    // As many again at most for the publisher alone: its acknowledgements, and how far it has come.
    expect(encode.mock.calls.length).toBeLessThanOrEqual(2 * (packs + 1))
  })

  it('a WebSocket message of 256 operations is parsed as one, and nothing of it printed anew', () => {
    const { world, publisher } = crowd(1)
    const message = JSON.stringify(range(256).map(publish))
    const [parse, stringify] = [vi.spyOn(JSON, 'parse'), vi.spyOn(JSON, 'stringify')]
    world.room.message(publisher, message)
    // Once all of it, and once the string that each message is, for its size (SIZE-1).
    expect([parse, stringify].map(({ mock }) => mock.calls.length)).toEqual([1 + 256, 0])
  })
})
