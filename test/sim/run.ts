import type { Judgement } from '../../src/protocol/ask.ts'
import { jsonBody } from '../../src/protocol/data.ts'
import { LIMITS } from '../../src/protocol/limits.ts'
import type { Incoming } from '../../src/room/incoming.ts'
import { MemoryLog } from '../../src/room/log/memory.ts'
import { RETENTION } from '../../src/room/log/retention.ts'
import { Room, type Session } from '../../src/room/room.ts'
import { Random } from '../random.ts'
import { Faults } from './faults.ts'
import { Host, type Step } from './host.ts'
import { judge } from './oracle.ts'
import { isRefused, Publications } from './publications.ts'
import { type Person, Reader } from './reader.ts'
import type { Wire } from './wire.ts'

/** Wraps what it is sent, and counts it in a state that must survive sleep and failure with it. */
class Tally extends Room<{ count: number; open: string[] }> {
  override onOpen({ id }: Session): void {
    this.state ??= { count: 0, open: [] }
    this.state.open.push(id)
  }

  override onClose({ id }: Session): void {
    if (this.state !== null) this.state.open = this.state.open.filter((each) => each !== id)
  }

  override onMessage(session: Session | null, { data }: Incoming): void {
    this.state ??= { count: 0, open: [] }
    this.state.count++
    this.broadcast({ n: this.state.count, said: data }, { ...(session !== null && { from: session }) })
  }
}

export interface RunOptions {
  readonly seed: number
  /** Steps before everything is let come to rest. */
  readonly steps?: number
  readonly faults?: Faults
  /** Else the seed decides. */
  readonly isEdge?: boolean
  /** Else the seed decides whether the room is an application's, with a state. */
  readonly isTally?: boolean
  /** Told of each step, for whoever wants to see how it came about. */
  readonly trace?: (step: string) => void
}

/** One run of the simulated world: everything in it follows from the seed. */
export class Run {
  readonly host: Host
  readonly readers: Reader[]
  readonly faults: Faults
  readonly publications: Publications
  readonly #random: Random
  readonly #steps: number
  readonly #trace: (step: string) => void
  /** Wires with a client at their end. */
  readonly #net = new Set<Wire>()
  readonly #isTally: boolean
  readonly #bound: number
  readonly #keepsLittle: boolean
  readonly #persons: Person[] = []
  #elapsed = 0

  constructor({ seed, steps, faults, trace = () => {}, ...fixed }: RunOptions) {
    const random = new Random(seed)
    this.#random = random
    this.#steps = steps ?? random.whole(20, 150)
    this.#trace = trace
    const drawn = { isTally: random.chance(0.25), isEdge: random.chance(0.5) }
    const { isTally, isEdge } = { ...drawn, ...fixed }
    this.#isTally = isTally
    this.#bound = random.pick([600, 5000, LIMITS.ahead])
    this.#keepsLittle = random.chance(0.3)
    const rate = random.pick([0, 0, 0.02, 0.1])
    this.faults = faults ?? new Faults(() => random.chance(rate))
    const asks = random.chance(0.25)
    this.host = new Host({
      judge: asks ? (data) => this.#judged(data) : undefined,
      isEdge,
      room: this.#isTally ? Tally : Room,
      presence: random.pick([2, 5, 50]),
      log: new MemoryLog('sim000', this.#keepsLittle ? { count: random.whole(3, 12), age: 3_600_000 } : RETENTION),
      faults: this.faults,
      random: random.fork('host'),
    })
    this.publications = new Publications(random.fork('publications'))
    this.readers = Array.from({ length: random.whole(2, 6) }, (_, i) => this.#reader(i))
  }

  /** What went wrong; nothing: all is as promised. */
  play(): string[] {
    let last = ''
    try {
      for (let n = 0; n < this.#steps; n++) {
        const step = this.#pick()
        last = step.name
        this.#trace(last)
        step.run()
      }
      this.#trace('--- healing')
      last = 'healing'
      this.#heal()
    } catch (error) {
      return [`${last}: ${(error as Error).stack}`]
    }
    return [...judge(this.host, this.readers, this.publications.all), ...this.#judgeState()]
  }

  // ---- What may happen ----

  #pick(): Step {
    const steps = [...this.host.steps(), ...this.#wireSteps(), ...this.#clientSteps(), ...this.#disasters()]
    let at = this.#random.next() * steps.reduce((sum, { weight }) => sum + weight, 0)
    for (const step of steps) {
      at -= step.weight
      if (at < 0) return step
    }
    return steps[0] as Step
  }

  /** What the network does of itself. */
  #deliveries(): Step[] {
    const steps: Step[] = []
    for (const wire of this.#net) {
      if (!wire.isUp) this.#net.delete(wire)
      else if (wire.toClient.length > 0 && !wire.isStalled) {
        steps.push({ name: `${nameOf(wire)} hears`, weight: 8, run: () => this.#arrive(wire) })
      }
    }
    for (const wire of this.host.wires) {
      if (wire.toServer.length > 0) {
        steps.push({ name: `${nameOf(wire)} is heard`, weight: 6, run: () => this.host.receive(wire) })
      } else if (!wire.isUp || wire.isAnswered) {
        steps.push({ name: `${nameOf(wire)} is found gone`, weight: 1, run: () => this.host.gone(wire) })
      }
    }
    return steps
  }

  #wireSteps(): Step[] {
    const steps = this.#deliveries()
    for (const wire of this.#net) {
      const name = nameOf(wire)
      steps.push({
        name: `${name} is cut`,
        weight: 0.3,
        run: () => wire.cut(this.#random.whole(0, wire.toServer.length)),
      })
      steps.push({ name: `${name} stalls or goes on`, weight: 0.4, run: () => (wire.isStalled = !wire.isStalled) })
      if (wire.attachment?.codec === 'poll' && !wire.isEnded) {
        steps.push({ name: `${name} has waited long enough`, weight: 0.4, run: () => this.#unanswered(wire) })
      }
    }
    return steps
  }

  #clientSteps(): Step[] {
    const steps: Step[] = []
    for (const reader of this.#away()) {
      const { name } = reader.person
      steps.push({ name: `${name} connects`, weight: 4, run: () => this.#connect(reader) })
      if (reader.cursor !== undefined && !reader.person.isPlain) {
        steps.push({ name: `${name} looks`, weight: 1, run: () => reader.looks(this.host) })
      }
    }
    const { publications, host, readers } = this
    steps.push({ name: 'publish', weight: 7, run: () => publications.publish(host, publications.next(readers)) })
    steps.push({ name: 'publish a batch', weight: 0.7, run: () => publications.publishBatch(host, readers) })
    for (const { wire, codec, person } of readers) {
      if (wire === undefined || codec !== 'framed' || !person.isPresent) continue
      const state = this.#random.pick([null, 1, 'here', { at: [this.#random.whole(0, 9)] }])
      steps.push({
        name: `${person.name} sets its state`,
        weight: 0.5,
        run: () => wire.send(JSON.stringify({ op: 'presence', state })),
      })
    }
    return steps
  }

  #disasters(): Step[] {
    const { host } = this
    const someone = this.#random.pick(this.readers).person
    const steps = [
      { name: 'time passes', weight: 2, run: () => this.#passes() },
      { name: 'crash', weight: 0.15, run: () => host.crash() },
      {
        name: `${someone.name} is sent away`,
        weight: 0.1,
        run: () => host.command({ type: 'disconnect', id: someone.session }, () => {}),
      },
    ]
    if (host.maySleep) steps.push({ name: 'sleep', weight: 2, run: () => host.sleep() })
    return steps
  }

  // ---- How it happens ----

  #connect(reader: Reader): void {
    this.#net.add(reader.connect(this.host, this.faults, this.#bound))
  }

  #arrive(wire: Wire): void {
    wire.arrive()
    this.host.drained(wire)
  }

  /** The gateway ends a poll for which nothing came. */
  #unanswered(wire: Wire): void {
    this.host.gone(wire)
    wire.cut(0)
  }

  #passes(): void {
    // A repeat is known for ten minutes at least, and where little is kept no longer (KEEP-2).
    const most = this.#keepsLittle && this.#elapsed > 500_000 ? 1000 : 31_000
    const time = Math.min(
      this.#random.pick([1, 50, 1000, 10_000, 31_000, this.#keepsLittle ? 1 : 700_000]),
      this.#keepsLittle ? most : 700_000,
    )
    this.#elapsed += time
    this.host.passes(time)
  }

  #away(): Reader[] {
    return this.readers.filter(({ wire, isAsking }) => wire === undefined && !isAsking)
  }

  /** Everything works again, and everyone comes back: until there is nothing left to happen. */
  #heal(): void {
    this.faults.heal()
    for (let wait = 0; wait < 3; wait++) {
      this.#rest()
      this.host.passes(LIMITS.grace + 1000)
    }
    this.#rest()
  }

  #rest(): void {
    for (let n = 0; n < 20_000; n++) {
      for (const wire of this.#net) wire.isStalled = false
      const [step] = [...this.#deliveries(), ...this.host.steps()]
      const [away] = this.#away()
      const [again] = this.publications.takeRetries(1)
      if (step !== undefined) step.run()
      else if (away !== undefined) this.#connect(away)
      if (again !== undefined) this.publications.publish(this.host, again)
      if (step === undefined && away === undefined && again === undefined) return
    }
    throw new Error('it never comes to rest')
  }

  #reader(i: number): Reader {
    const random = this.#random
    const user = random.chance(0.4) ? { user: random.pick(['ada', 'bob']) } : {}
    // Some share a session: two tabs, or a connection that is on its way out.
    const known = i > 0 && random.chance(0.2) ? this.#persons[random.whole(0, i - 1)] : undefined
    const isFull = this.#persons.filter(({ session }) => session === known?.session).length > 2
    const other = isFull ? undefined : known
    const isPlain = random.chance(0.15)
    const hasPast = isPlain || random.chance(0.85)
    const person: Person = {
      name: `r${i}`,
      session: other?.session ?? `s${i}`,
      ...(other === undefined ? user : other.user !== undefined && { user: other.user }),
      ...(!hasPast && {
        pass: { grants: ['subscribe', 'publish', 'presence'], issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER },
      }),
      isPresent: random.chance(0.6),
      isPlain,
    }
    this.#persons.push(person)
    const reader = new Reader(person, random.fork(person.name))
    reader.onAnswer = (event) => reader.wire && this.publications.answered(reader.wire, event)
    reader.onLost = (wire) => this.publications.lost(wire)
    return reader
  }

  /** What a backend says that refuses some, fails over some, and puts others into its own words. */
  #judged(data: string): Judgement {
    const kind = Number(data.slice(1)) % 7
    if (isRefused(data)) return { error: 'forbidden', message: 'not this' }
    if (kind === 1 && this.#random.chance(0.5)) return { error: 'backend', message: 'it did not answer' }
    if (kind !== 2) return { rewrite: {} }
    return { rewrite: { body: jsonBody(JSON.stringify({ said: data, by: 'the backend' }), LIMITS.payload) } }
  }

  #judgeState(): string[] {
    if (!this.#isTally) return []
    const { state } = this.host.room as Tally
    const counts = this.host.feed.filter(({ position }) => position !== null).map(({ json }) => JSON.parse(json).data.n)
    const wrong = counts.filter((n, i) => n !== i + 1)
    const open = [...(state?.open ?? [])].sort()
    const sessions = [...new Set(this.readers.map(({ person }) => person.session))].sort()
    return [
      ...(wrong.length > 0 || (state?.count ?? 0) !== counts.length
        ? [`the state counts ${counts}, then ${state?.count}`]
        : []),
      ...(`${open}` === `${sessions}` ? [] : [`${open} are open in place of ${sessions}`]),
    ]
  }
}

const nameOf = (wire: Wire): string => `${wire.attachment?.codec} of ${wire.attachment?.session}`
