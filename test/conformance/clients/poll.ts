import { parseEvent, type ServerEvent } from './events.ts'
import { Follower, joined, type Transport } from './follower.ts'
import { type Answer, call, type Query, url, type Where } from './http.ts'
import { elements, members } from './rawjson.ts'

export interface PollAnswer extends Answer {
  events: ServerEvent[]
}

/** One poll. */
export async function ask(base: string, where: Where, query: Query = {}, signal?: AbortSignal): Promise<PollAnswer> {
  const answer = await call(url(base, where, '/poll', query), signal ? { signal } : {})
  const events = answer.http === 200 ? members(answer.text).get('events') : undefined
  return { ...answer, events: elements(events ?? '[]').map(parseEvent) }
}

class Poller extends Follower {
  readonly #stop = new AbortController()
  readonly #base: string
  readonly #where: Where

  constructor(base: string, where: Where) {
    super('poll')
    this.#base = base
    this.#where = where
  }

  static async open(base: string, where: Where, query: Query = {}): Promise<Poller> {
    const poller = new Poller(base, where)
    // Revs that it comes back with, and need not hear again.
    for (const [i, rev] of `${query.presence ?? ''}`.split('.').entries()) {
      if (typeof where !== 'string' && rev.startsWith('r')) poller.revs.set(`${where[i]}`, rev)
    }
    const first = await poller.#poll({ ...query, wait: 0 })
    const { type: _, ...told } = first
    // `recovered` has no place in a poll: no gap says the same.
    poller.welcome = { type: 'welcome', ...(told as Omit<ServerEvent, 'type'>) }
    void poller.#loop({ ...query, rewind: undefined, resume: query.resume ?? first.resume })
    return poller
  }

  async #poll(query: Query): Promise<PollAnswer> {
    const answer = await ask(this.#base, this.#where, query, this.#stop.signal)
    if (answer.http !== 200) throw new Error(`poll was answered ${answer.http} ${answer.text}`)
    for (const event of answer.events) this.receive(event)
    this.cursor = answer.cursor
    for (const { room, session, cursor } of answer.rooms ?? []) {
      this.welcomes.set(room, { type: 'welcome', room, session })
      if (cursor !== undefined) this.cursors.set(room, cursor)
    }
    return answer
  }

  async #loop(query: Query): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) {
        const presence = query.presence === undefined ? undefined : (this.#rev() ?? query.presence)
        await this.#poll({ ...query, presence, cursor: this.cursor, wait: 20 })
      }
    } catch (error) {
      this.inbox.end(`${error}`)
    }
  }

  #rev(): string | undefined {
    if (typeof this.#where === 'string') return this.rev
    return this.revs.size === 0 ? undefined : joined(this.#where, this.revs)
  }

  override given(): string {
    return `${this.cursor}`
  }

  close(): void {
    this.#stop.abort()
  }
}

export const poll: Transport = { name: 'poll', open: Poller.open }
