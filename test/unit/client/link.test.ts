import { describe, expect, it } from 'vitest'
import { Link, type LinkHost, type LinkState } from '../../../src/client/link.ts'
import type { End, ServerEvent, Sink, TransportName, Wire } from '../../../src/client/transports/wire.ts'
import { Clock } from './clock.ts'

const WELCOME: ServerEvent = { type: 'welcome', room: 'r', session: 's' }
const MESSAGE: ServerEvent = { type: 'message', room: 'r', id: 'i', cursor: 'c', time: 0 }

/** A wire that does what the test says. */
class FakeWire implements Wire {
  isClosed = false
  checks = 0
  readonly transport: TransportName
  readonly sink: Sink

  constructor(transport: TransportName, sink: Sink) {
    this.transport = transport
    this.sink = sink
  }

  close(): void {
    this.isClosed = true
  }

  check(): void {
    this.checks++
  }
}

class World implements LinkHost {
  readonly clock = new Clock()
  readonly wires: FakeWire[] = []
  readonly states: LinkState[] = []
  readonly opened_: Wire[] = []
  readonly refusals: End[] = []
  heards = 0
  losses = 0
  readonly link: Link

  constructor(transports: readonly TransportName[] = ['websocket', 'sse', 'poll']) {
    this.link = new Link(transports, this, this.clock)
    this.link.start()
  }

  get last(): FakeWire {
    return this.wires.at(-1) as FakeWire
  }

  get state(): LinkState | undefined {
    return this.states.at(-1)
  }

  get tried(): string {
    return this.wires.map(({ transport }) => transport).join(' ')
  }

  /** The last wire is welcomed. */
  welcome(wire = this.last): FakeWire {
    wire.sink.began()
    wire.sink.heard([WELCOME])
    return wire
  }

  fail(end: End = { reason: 'cut' }, wire = this.last): void {
    wire.close()
    wire.sink.ended(end)
  }

  dial(transport: TransportName, sink: Sink): Wire {
    const wire = new FakeWire(transport, sink)
    this.wires.push(wire)
    return wire
  }

  opened(wire: Wire): void {
    this.opened_.push(wire)
  }

  heard(): void {
    this.heards++
  }

  lost(): void {
    this.losses++
  }

  refused(end: End): void {
    this.refusals.push(end)
  }

  changed(state: LinkState): void {
    this.states.push(state)
  }
}

describe('the link', () => {
  it('begins with the best transport and is open with its first event', () => {
    const world = new World()
    expect(world.state).toEqual({ state: 'connecting', transport: 'websocket' })
    expect(world.link.wire).toBeUndefined()
    world.welcome()
    expect(world.state).toEqual({ state: 'open', transport: 'websocket' })
    expect(world.link.wire).toBe(world.last)
    expect(world.clock.waiting).toBe(0)
  })

  it('takes for its first event also that one of its rooms is not to be had (MULTI-8)', () => {
    const world = new World()
    world.last.sink.began()
    world.last.sink.heard([{ type: 'left', room: 'r', code: 4503, reason: 'forbidden' }])
    expect([world.state?.state, world.heards]).toEqual(['open', 1])
  })

  it('takes the next at once when one fails, or says nothing in time, and waits when all have', () => {
    const world = new World()
    world.last.sink.began()
    world.clock.pass(3999)
    expect(world.tried).toBe('websocket')
    world.clock.pass(1)
    expect(world.wires[0]?.isClosed).toBe(true)
    expect(world.tried).toBe('websocket sse')
    world.fail()
    expect(world.tried).toBe('websocket sse poll')
    world.fail()
    expect(world.state).toEqual({ state: 'waiting', reason: 'cut', retryIn: 500 })
    world.clock.pass(500)
    expect(world.tried).toBe('websocket sse poll websocket')
  })

  it('does not count the time that a token takes', () => {
    const world = new World()
    world.clock.pass(60_000)
    expect(world.tried).toBe('websocket')
  })

  it('waits longer each time, with full jitter, up to half a minute', () => {
    const world = new World(['poll'])
    world.clock.chance = 0.999
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      world.fail()
      waits.push(Math.round(world.state?.retryIn ?? 0))
      world.clock.pass(30_000)
    }
    expect(waits).toEqual([999, 1998, 3996, 7992, 15_984, 29_970, 29_970, 29_970])
    world.clock.chance = 0
    world.fail()
    expect(world.state?.retryIn).toBe(0)
  })

  it('comes back by the same transport after a cut, and forgets its failures when something had come', () => {
    const world = new World(['websocket', 'sse'])
    for (let i = 0; i < 10; i++) {
      world.welcome().sink.heard([MESSAGE])
      world.fail()
      expect(world.state?.retryIn).toBe(500)
      world.clock.pass(500)
    }
    expect(new Set(world.wires.map(({ transport }) => transport))).toEqual(new Set(['websocket']))
  })

  it('leaves a transport that is cut three times before anything came', () => {
    const world = new World(['websocket', 'sse'])
    for (let i = 0; i < 3; i++) {
      world.welcome()
      world.clock.pass(1000)
      world.fail()
      world.clock.pass(10_000)
    }
    expect(world.tried).toBe('websocket websocket websocket sse')
  })

  it('leaves a transport that has fallen silent', () => {
    const world = new World()
    world.welcome().sink.heard([MESSAGE])
    world.clock.pass(100_000)
    world.fail({ reason: 'silent', silent: true })
    expect(world.tried).toBe('websocket sse')
  })

  it('does what the server advises, on the same transport, and no nudge cuts that short', () => {
    const world = new World()
    world.welcome()
    world.fail({ reason: 'drain', code: 'drain', retryAfter: 7 })
    expect(world.state).toEqual({ state: 'waiting', reason: 'drain', retryIn: 7000 })
    world.link.nudge()
    world.clock.pass(6999)
    expect(world.wires.length).toBe(1)
    world.clock.pass(1)
    expect(world.tried).toBe('websocket websocket')
  })

  it('tries at once when it is nudged while it waits by itself', () => {
    const world = new World(['poll'])
    world.fail()
    world.link.nudge()
    expect(world.tried).toBe('poll poll')
    world.clock.pass(60_000)
    expect(world.wires.length).toBe(2)
  })

  it('finds out whether the wire still stands when it is nudged while it is open', () => {
    const world = new World()
    world.welcome()
    world.link.nudge()
    expect(world.last.checks).toBe(1)
  })

  it('stands still after a final refusal', () => {
    const world = new World()
    world.welcome()
    world.fail({ reason: 'forbidden', code: 'forbidden', final: true })
    expect(world.refusals.map(({ code }) => code)).toEqual(['forbidden'])
    expect([world.wires.length, world.clock.waiting]).toEqual([1, 0])
  })

  it('tries better transports from time to time, later each time, and keeps what it has until one has spoken', () => {
    const world = new World()
    world.fail()
    const sse = world.welcome()
    const waits: number[] = []
    let before = world.clock.now()
    for (let i = 0; i < 10; i++) {
      while (world.wires.length === 2 + i) world.clock.pass(250)
      waits.push((world.clock.now() - before) / 1000)
      before = world.clock.now()
      expect(sse.isClosed).toBe(false)
      world.fail()
    }
    // Three quarters of 5 s, since half of it is chance, and chance is in the middle.
    expect(waits.slice(0, 4)).toEqual([3.75, 7.5, 15, 30])
    expect(waits.at(-1)).toBe(480)

    while (world.wires.length === 12) world.clock.pass(250)
    sse.sink.heard([MESSAGE])
    const websocket = world.welcome()
    expect([sse.isClosed, world.link.wire, world.losses]).toEqual([true, websocket, 1])
    const heards = world.heards
    sse.sink.heard([MESSAGE])
    expect(world.heards).toBe(heards)
    expect(world.clock.waiting).toBe(0)
  })

  it('tries all that is better, best first', () => {
    const world = new World()
    world.fail()
    world.fail()
    world.welcome()
    world.clock.pass(3750)
    expect(world.tried).toBe('websocket sse poll websocket')
    world.fail()
    expect(world.tried).toBe('websocket sse poll websocket sse')
    world.welcome()
    expect(world.state).toEqual({ state: 'open', transport: 'sse' })
  })

  it('is replaced without a hole when the wire cannot be told what has changed', () => {
    const world = new World(['sse'])
    const first = world.welcome()
    world.link.renew()
    expect([first.isClosed, world.link.wire]).toEqual([false, first])
    const second = world.welcome()
    expect([first.isClosed, world.link.wire, world.losses]).toEqual([true, second, 0])
  })

  it('drops the old wire when its heir is refused', () => {
    const world = new World(['sse'])
    const first = world.welcome()
    world.link.renew()
    world.fail({ reason: 'forbidden', final: true })
    expect([first.isClosed, world.refusals.length]).toEqual([true, 1])
  })

  it.each(['sse', 'poll'] as const)(
    'has never four younger than its %s, however many a black hole has swallowed (SES-3)',
    (transport) => {
      const world = new World(['websocket', transport])
      world.fail({ reason: 'nothing came', silent: true })
      world.welcome()
      let seen = world.wires.length
      for (let i = 0; i < 20; i++) {
        while (world.wires.length === seen) world.clock.pass(250)
        seen = world.wires.length
        // The gateway holds what was swallowed for connections: of five the oldest goes.
        expect(world.wires.slice(world.wires.lastIndexOf(world.link.wire as FakeWire)).length).toBeLessThanOrEqual(4)
        if (world.last.transport === 'websocket') world.fail({ reason: 'nothing came', silent: true })
        else world.welcome()
      }
      expect([world.losses, world.refusals]).toEqual([1, []])
      expect(new Set(world.states.slice(2).map(({ state }) => state))).toEqual(new Set(['open']))
    },
  )

  it('stays where it is when its own heir does not come', () => {
    const world = new World(['websocket', 'sse'])
    world.fail({ reason: 'nothing came', silent: true })
    const first = world.welcome()
    for (const transport of ['websocket', 'websocket', 'sse']) {
      const { length } = world.wires
      while (world.wires.length === length) world.clock.pass(250)
      expect(world.last.transport).toBe(transport)
      world.fail({ reason: 'nothing came', silent: true })
    }
    expect([first.isClosed, world.link.wire, world.losses]).toEqual([false, first, 1])
  })

  it('leaves nothing behind when it is stopped', () => {
    const world = new World()
    world.fail()
    const wire = world.welcome()
    world.clock.pass(3750)
    world.link.stop()
    expect([wire.isClosed, world.last.isClosed, world.clock.waiting]).toEqual([true, true, 0])
  })
})
