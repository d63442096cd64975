import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { LIMITS } from '../../src/protocol/limits.ts'
import { parsePublication } from '../../src/protocol/operations.ts'
import { MemoryLog } from '../../src/room/log/memory.ts'
import { Room } from '../../src/room/room.ts'
import { Random } from '../random.ts'
import { Faults } from './faults.ts'
import { Host } from './host.ts'
import { Reader } from './reader.ts'
import type { Wire } from './wire.ts'

/** A working day in `npm test`, and a whole one in CI (`npm run sim:ci`). */
const HOURS = process.env.SIM_RUNS === undefined ? 8 : 24
/** Milliseconds between two things that happen. */
const TICK = 10_000
const PEOPLE = 15
const POLL = 25_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A room with people who come and go, some for good, for ever new ones; and somebody who publishes. */
class Day {
  readonly log = new MemoryLog('day000', { count: 200, age: 3_600_000 })
  readonly host: Host
  readonly #random = new Random(1)
  readonly #faults = new Faults()
  readonly #polls = new Map<Wire, number>()
  #readers: Reader[] = []
  #people = 0

  constructor(isEdge: boolean) {
    const random = this.#random.fork('host')
    this.host = new Host({ isEdge, room: Room, presence: 8, log: this.log, faults: this.#faults, random })
  }

  ticks(): void {
    const { host } = this
    const random = this.#random
    const someone = this.#readers.length < PEOPLE ? this.#newcomer() : random.pick(this.#readers)
    if (someone.wire === undefined) this.#connect(someone)
    else {
      this.#polls.delete(someone.wire)
      someone.wire.cut(0)
      if (random.chance(0.5)) this.#readers = this.#readers.filter((each) => each !== someone)
    }
    const id = random.chance(0.3) ? { id: `id-${host.now()}` } : {}
    const publication = parsePublication(JSON.stringify({ data: host.now(), ...id }), LIMITS.payload)
    host.command({ type: 'publish', publication }, () => {})
    for (const [wire, since] of this.#polls) {
      if (host.now() - since < POLL) continue
      host.gone(wire)
      wire.cut(0)
      this.#polls.delete(wire)
    }
    this.#rest()
    host.passes(TICK)
    if (host.maySleep && random.chance(0.3)) host.sleep()
  }

  /** What there is an hour later, beside what the test itself remembers. */
  measure() {
    this.host.feed.length = 0
    this.host.log.length = 0
    for (const reader of this.#readers) reader.connections.length = 0
    collect()
    const { sessions } = this.log.load()
    const { alarms } = this.host
    this.host.alarms = 0
    return { heap: process.memoryUsage().heapUsed, rows: sessions.length + this.log.rows, alarms }
  }

  #newcomer(): Reader {
    const name = `p${++this.#people}`
    const isPresent = this.#random.chance(0.6)
    const reader = new Reader({ name, session: name, isPresent, isPlain: false }, this.#random.fork(name))
    this.#readers.push(reader)
    return reader
  }

  #connect(reader: Reader): void {
    const wire = reader.connect(this.host, this.#faults, LIMITS.ahead)
    if (reader.codec === 'poll') this.#polls.set(wire, this.host.now())
  }

  #rest(): void {
    for (;;) {
      const [step] = this.host.steps()
      const wires = [...this.host.wires, ...this.#polls.keys()]
      step?.run()
      for (const wire of wires) {
        while (wire.isUp && wire.toClient.length > 0) wire.arrive()
        if (!wire.isUp) {
          this.#polls.delete(wire)
          this.host.gone(wire)
        }
      }
      const away = this.#readers.filter(({ wire, codec }) => wire === undefined && codec === 'poll')
      for (const reader of away) this.#connect(reader)
      if (step === undefined && away.length === 0) return
    }
  }
}

it.each([true, false])(
  `KEEP-1, SES-4 ${HOURS} hours of churn leave memory, rows and alarms as they were (isEdge: %s)`,
  { timeout: 120_000 },
  (isEdge) => {
    const day = new Day(isEdge)
    const hours = Array.from({ length: HOURS }, () => {
      for (let passed = 0; passed < 3_600_000; passed += TICK) day.ticks()
      return day.measure()
    })
    const most = (part: typeof hours, what: keyof (typeof hours)[0]) => Math.max(...part.map((hour) => hour[what]))
    const [morning, evening] = [hours.slice(1, HOURS / 2), hours.slice(-HOURS / 4)]
    expect(most(evening, 'rows')).toBeLessThan(most(morning, 'rows') * 1.2)
    expect(most(evening, 'alarms')).toBeLessThan(most(morning, 'alarms') * 1.2)
    expect(most(evening, 'heap')).toBeLessThan(most(morning, 'heap') * 1.1)
    expect(most(morning, 'alarms')).toBeGreaterThan(0)
    console.log(`isEdge ${isEdge}:`, hours[2], hours.at(-1))
  },
)
