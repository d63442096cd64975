import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ServerEvent } from '../conformance/clients/events.ts'
import { wholeHistory } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { type Leg, legs } from './legs.ts'
import { announce, seed } from './seed.ts'

announce('hop')
const HOPS = 200
const MESSAGES = 5000
/** Twice the grace, so that a session that one hop lost is told as gone before the last (ms). */
const WHILE = 60_000

/** In lots of changing size, so that a hop meets kept, new and mixed messages. */
async function publish(framed: Framed, random: Random): Promise<void> {
  for (let published = 0; published < MESSAGES; ) {
    const lot = Math.min(random.whole(1, 12), MESSAGES - published)
    await Promise.all(range(lot, published).map((data) => framed.ask({ op: 'publish', data, echo: false })))
    published += lot
    await pause((lot * WHILE) / MESSAGES)
  }
}

/** One session, and what it has heard wherever it was. */
class Hopper {
  readonly heard: ServerEvent[] = []
  readonly #place: { url: string; room: string; resume: string }
  #cursor = '0-0'
  #presence = '1'

  constructor(place: { url: string; room: string; resume: string }) {
    this.#place = place
  }

  async hop(leg: Leg, count: number, ending: 'close' | 'fin' | 'rst'): Promise<void> {
    const { url, room, resume } = this.#place
    const query = { cursor: this.#cursor, resume, presence: this.#presence }
    for (const event of await leg({ url, room, query, count, ending })) {
      if (event.type === 'presence') this.#presence = event.rev ?? this.#presence
      if (['presence', 'cursor', 'closing'].includes(event.type)) continue
      expect(event.type).toBe('message')
      this.heard.push(event)
      this.#cursor = `${event.cursor}`
    }
  }
}

chapter('hopping', (gateway) => {
  test(`FOLLOW-5, FOLLOW-2, PRES-3 ${HOPS} hops between all transports, cut or closed, hear ${MESSAGES} messages once, in order, as one session (seed ${seed})`, async () => {
    const random = new Random(seed)
    const place = { url: gateway.url, room: freshRoom(), resume: freshSecret() }
    const { room, resume } = place
    const hopper = new Hopper(place)
    await hopper.hop(legs.websocket, 0, 'close')
    const watcher = await Framed.open(gateway.url, room, { presence: 1 })
    const publishing = publish(await Framed.open(gateway.url, room), random.fork('publisher'))

    const names = range(HOPS).map(() => random.pick(Object.keys(legs) as (keyof typeof legs)[]))
    for (const [i, name] of names.entries()) {
      const left = MESSAGES - hopper.heard.length
      const count = Math.min(random.whole(0, (2 * left) / (HOPS - i)), left)
      await hopper.hop(legs[name], count, random.pick(['close', 'fin', 'rst']))
    }
    await publishing
    await hopper.hop(legs.websocket, MESSAGES - hopper.heard.length, 'close')

    const told = ({ cursor, id, data }: ServerEvent) => [cursor, id, data]
    expect(hopper.heard.map(({ data }) => data)).toEqual(range(MESSAGES))
    expect(hopper.heard.map(told)).toEqual((await wholeHistory(gateway.url, room)).map(told))

    // One more that comes proves that the watcher has heard all there was to hear until then.
    const stranger = await Framed.open(gateway.url, room, { presence: 1 })
    const isStranger = ({ session }: ServerEvent) => session === stranger.welcome.session
    const seen = await watcher.inbox.until(isStranger)
    const [sync, ...changes] = seen.filter(({ type }) => type === 'presence')
    const { session } = (await Framed.open(gateway.url, room, { resume })).welcome
    expect(sync?.members?.map((member) => member.session)).toContain(session)
    // Those of the watcher and the stranger, and no other: not even a sync, in which a flap might hide.
    const comers = [watcher, stranger].map(({ welcome }) => ['join', welcome.session])
    expect(comers).toEqual(expect.arrayContaining(changes.map((event) => [event.action, event.session])))
    const stays = Object.keys(legs).map((name) => `${names.filter((each) => each === name).length} ${name}`)
    console.log(`${gateway.target.name}: ${HOPS} hops (${stays.join(', ')}), ${MESSAGES} messages, 0 lost, 0 repeated`)
  })
})
