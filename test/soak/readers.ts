import { setTimeout as pause } from 'node:timers/promises'
import type { ServerEvent } from '../conformance/clients/events.ts'
import type { Transport } from '../conformance/clients/follower.ts'
import { history } from '../conformance/clients/http.ts'
import { tellingTransports } from '../conformance/clients/index.ts'
import { freshSecret } from '../conformance/suite.ts'
import type { Random } from '../random.ts'
import type { Heard, Ledger } from './ledger.ts'
import { type Place, RETRY } from './publishers.ts'

/** One that follows a room from its beginning, and comes back with its cursor however often it is cut off. */
export abstract class Reader {
  readonly name: string
  readonly heard: Heard[] = []
  /** How often it came back with a cursor. */
  resumes = 0
  protected cursor = '0-0'
  protected readonly resume = freshSecret()
  protected readonly place: Place
  protected readonly random: Random
  readonly #ledger: Ledger
  readonly #done: Promise<void>
  #stopping = false

  constructor(name: string, place: Place) {
    this.name = name
    this.place = place
    this.random = place.random.fork(name)
    this.#ledger = place.ledger
    this.#done = this.#run()
  }

  /** How far it has come. */
  get at(): string {
    return this.cursor
  }

  stop(): Promise<void> {
    this.#stopping = true
    return this.#done
  }

  /** Listens until it is cut off, or cuts itself off. @throws when the server is not there */
  protected abstract listen(): Promise<void>

  protected get goesOn(): boolean {
    return !this.#stopping
  }

  protected take(event: ServerEvent): void {
    const { cursor, data } = event
    if (event.type !== 'message' || cursor === undefined) {
      // Sent away: the end of the connection follows.
      if (event.type === 'closing') return
      this.#ledger.complain(`${this.name} heard ${JSON.stringify(event)} at ${this.cursor}`)
      if (event.type === 'gap' && event.before !== undefined) this.cursor = event.before
      return
    }
    if (cursor <= this.cursor) this.#ledger.complain(`${this.name} heard ${data} at ${cursor} after ${this.cursor}`)
    this.cursor = cursor
    const heard = { cursor, data: `${data}` }
    this.heard.push(heard)
    this.#ledger.heard(heard, this.name)
  }

  async #run(): Promise<void> {
    while (this.goesOn) {
      await this.listen().catch(() => pause(RETRY))
    }
  }
}

class Following extends Reader {
  readonly #transport: Transport

  constructor(transport: Transport, place: Place) {
    super(`${transport.name} reader`, place)
    this.#transport = transport
  }

  protected async listen(): Promise<void> {
    const { url, room } = this.place
    const { cursor, resume } = this
    const follower = await this.#transport.open(url, room, { cursor, resume })
    if (cursor !== '0-0') this.resumes++
    // Now and then it is the client that goes.
    let left = this.random.chance(0.3) ? this.random.whole(1, 300) : Number.POSITIVE_INFINITY
    while (this.goesOn && left-- > 0) {
      const event = await follower.next(500).catch((error) => {
        if (/heard nothing/.test(`${error}`)) return 'silence'
        return undefined
      })
      if (event === undefined) break
      if (event !== 'silence') this.take(event)
    }
    await follower.close()
  }
}

class Looking extends Reader {
  protected async listen(): Promise<void> {
    const { url, room } = this.place
    const limit = this.random.whole(1, 60)
    const { messages, next, gap } = await history(url, room, { after: this.cursor, limit })
    if (gap !== undefined) this.take({ type: 'gap', ...gap })
    for (const message of messages) this.take(message)
    if (messages.length > 0 && next !== this.cursor) this.take({ type: 'next', cursor: next })
    if (messages.length === 0) await pause(RETRY)
  }
}

/** One on every transport that a client can resume. */
export const readers = (place: Place): Reader[] => [
  ...tellingTransports.map((transport) => new Following(transport, place)),
  new Looking('history reader', place),
]
