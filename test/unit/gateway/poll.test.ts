import { setTimeout as pass } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Bearer } from '../../../src/auth/gate.ts'
import { pollRooms } from '../../../src/gateway/multi/poll.ts'
import type { Leg, Runtime } from '../../../src/gateway/ports.ts'
import { poll, readPoll } from '../../../src/gateway/transports/poll.ts'
import { repollOf } from '../../../src/gateway/transports/repoll.ts'
import { codecs, Pack } from '../../../src/protocol/codec/index.ts'
import type { Hello } from '../../../src/room/ports.ts'

const HEAD = '0mwtl6cl88j2mbh-15'

interface Far {
  reach(): Promise<unknown>
  answers: boolean
}

const near = async () => {}

/** Rooms at a distance, as on the edge: what they have to say comes with the answer to the dial. */
function runtimeOf(rooms: Record<string, Far>) {
  const open = new Set<string>()
  let reached = 0
  const runtime = {
    pollWait: 25,
    report() {},
    room: (name: string) => ({
      async dial(_: Hello, leg: Leg) {
        const { reach, answers } = rooms[name] as Far
        await reach()
        open.add(name)
        reached++
        if (answers)
          leg.write(new Pack(codecs.poll.encode([{ type: 'message', json: `{"data":"${name}"}` }], HEAD, HEAD)))
        return { send: () => false, drained() {}, close: () => void open.delete(name) }
      },
    }),
  } as unknown as Runtime
  return { runtime, open, reached: () => reached }
}

const query = (given: Record<string, string>) => (name: string) => given[name]
const never = new AbortController().signal

describe('polls of rooms that are far away', () => {
  it('POLL-2, ERR-1 a first poll whose coming cannot be committed is refused for that, and not as if the gateway went down', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { runtime, reached } = runtimeOf({ a: { reach: near, answers: false } })
      const response = poll(readPoll('a', query({ presence: '1' }), runtime), never, runtime)
      while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve))
      expect(reached()).toBe(1)
      await vi.advanceTimersByTimeAsync(10_000)
      expect([(await response).status, await (await response).json()]).toMatchObject([503, { code: 'storage' }])
    } finally {
      vi.useRealTimers()
    }
  })

  it('POLL-3 with wait=0 the room was asked all the same', async () => {
    const { runtime, open } = runtimeOf({ a: { reach: () => pass(30), answers: true } })
    const response = await poll(readPoll('a', query({ cursor: '0-0', wait: '0' }), runtime), never, runtime)
    expect(await response.json()).toMatchObject({ cursor: HEAD, events: [{ data: 'a' }] })
    expect(open.size).toBe(0)
  })

  it('MULTI-9 with wait=0 every room was asked all the same, and the near one is no end for the far one', async () => {
    const rooms = {
      near: { reach: near, answers: true },
      silent: { reach: () => pass(5), answers: false },
      far: { reach: () => pass(60), answers: true },
    }
    for (const wait of ['0', '55']) {
      const { runtime, open } = runtimeOf(rooms)
      const asked = query({ rooms: 'near,silent,far', cursor: '0-0.0-0.0-0', wait })
      const answer = (await (await pollRooms(asked, never, runtime)).json()) as { cursor: string }
      expect(answer).toMatchObject({
        events: [
          { room: 'near', data: 'near' },
          { room: 'far', data: 'far' },
        ],
      })
      expect([answer.cursor.split('.').slice(1), open.size]).toEqual([[HEAD, '0-0', HEAD], 0])
    }
  })

  it('DRAIN-1 who is sent away is told when to come back as the room says, which knows how many there are', async () => {
    const room = {
      async dial(_: Hello, leg: Leg) {
        leg.closed(4000, 'drain', 123.4)
        return { send: () => false, drained() {}, close() {} }
      },
    }
    const runtime = { pollWait: 25, report() {}, room: () => room } as unknown as Runtime
    const alone = await poll(readPoll('a', query({ cursor: '0-0', wait: '55' }), runtime), never, runtime)
    const joined = await pollRooms(query({ rooms: 'a,b', cursor: '0-0.0-0', wait: '55' }), never, runtime)
    for (const response of [alone, joined]) {
      expect(await response.json()).toMatchObject({ events: [], advice: { wait: 25, after: 123.4 } })
    }
  })

  it('MULTI-12 a client that leaves while rooms are reached leaves none of them held', async () => {
    let arrive = () => {}
    const reach = () =>
      new Promise<void>((resolve) => {
        arrive = resolve
      })
    const { runtime, open, reached } = runtimeOf({ a: { reach: near, answers: false }, b: { reach, answers: false } })
    const leaving = new AbortController()
    const response = pollRooms(query({ rooms: 'a,b', cursor: '0-0.0-0', wait: '55' }), leaving.signal, runtime)
    await vi.waitFor(() => expect(open).toEqual(new Set(['a'])))
    leaving.abort()
    expect((await response).status).toBe(200)
    expect(open.size).toBe(0)
    arrive()
    await vi.waitFor(() => expect([open.size, reached()]).toEqual([0, 2]))
  })
})

describe('polls that are asked again', () => {
  /** As it came first, with a token that counts as verified for half a minute. */
  function repoll() {
    const wires: { hello: Hello; leg: Leg; isOpen: boolean }[] = []
    const told: unknown[] = []
    const runtime = {
      pollWait: 25,
      tell: (...line: unknown[]) => void told.push(line),
      answered: (...counted: unknown[]) => void told.push(counted),
      room: () => ({
        dial(hello: Hello, leg: Leg) {
          const wire = { hello, leg, isOpen: true }
          wires.push(wire)
          const close = () => {
            wire.isOpen = false
          }
          return { send: () => false, drained() {}, close }
        },
      }),
    } as unknown as Runtime
    const grants = { issuedAt: 0, expiresAt: Date.now() + 60_000, rooms: [] }
    const request = new Request('http://gateway/v1/rooms/a/poll')
    const ask = repollOf({
      poll: readPoll('a', query({ cursor: '0-0', wait: '20' }), runtime),
      request,
      path: '/v1/rooms/a/poll',
      route: '/v1/rooms/:room/poll',
      bearer: new Bearer({ grants, until: Date.now() + 30_000 }),
      runtime,
      host: runtime,
    })
    return { ask, wires, told }
  }

  it('POLL-3, OPS-6 each is held from its own cursor, for its own time, and counted and named for itself', () => {
    vi.useFakeTimers()
    try {
      const { ask, wires, told } = repoll()
      const answers: unknown[][] = []
      ask(HEAD, (...answer) => answers.push(answer))
      vi.advanceTimersByTime(19_999)
      expect([wires.map(({ hello }) => hello.cursor), wires[0]?.isOpen, answers]).toEqual([[HEAD], true, []])
      vi.advanceTimersByTime(1)
      ask(HEAD, (...answer) => answers.push(answer))
      wires[1]?.leg.write(new Pack(codecs.poll.encode([{ type: 'message', json: '{"data":1}' }], HEAD, HEAD)))
      expect(wires.map(({ isOpen }) => isOpen)).toEqual([false, false])
      expect(answers.map(([text]) => JSON.parse(`${text}`).events)).toEqual([[], [{ data: 1 }]])
      expect(new Set(answers.map(([, name]) => name)).size).toBe(2)
      const [path, status] = ['/v1/rooms/a/poll', 200]
      expect(told).toMatchObject([
        ['/v1/rooms/:room/poll', 200],
        ['debug', 'A request was answered', { request: answers[0]?.[1], method: 'GET', path, status, ms: 20_000 }],
        ['/v1/rooms/:room/poll', 200],
        ['debug', 'A request was answered', { request: answers[1]?.[1], method: 'GET', path, status, ms: 0 }],
      ])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('AUTH-5, CUR-1 none is, when the token must be verified anew, and none from what is no cursor', () => {
    vi.useFakeTimers()
    try {
      const { ask, wires } = repoll()
      const never = () => expect.unreachable()
      for (const cursor of ['', 'abc', HEAD.replace('-1', '-2')]) expect(ask(cursor, never)).toBeNull()
      const leave = ask(HEAD, () => {})
      leave?.()
      expect(wires).toMatchObject([{ isOpen: false }])
      vi.advanceTimersByTime(30_000)
      expect(ask(HEAD, never)).toBeNull()
      expect(wires).toHaveLength(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('AUTH-9, DRAIN-1 what a room refuses is refused, and who is sent away is answered', async () => {
    const { ask, wires } = repoll()
    const answers: (string | Response)[] = []
    for (const _ of [1, 2, 3]) ask(HEAD, (answer) => answers.push(answer))
    wires[0]?.leg.closed(4507, 'revoked')
    wires[1]?.leg.closed(4011, 'busy')
    wires[2]?.leg.closed(4000, 'drain', 7)
    const [revoked, busy, drained] = answers as [Response, Response, string]
    expect(await revoked.json()).toMatchObject({ status: 401, code: 'revoked' })
    expect(await busy.json()).toMatchObject({ status: 429, code: 'busy' })
    expect(JSON.parse(drained)).toMatchObject({ cursor: HEAD, events: [], advice: { after: 7 } })
  })
})
