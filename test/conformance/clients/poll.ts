import { parseEvent, type ServerEvent } from './events.ts'
import { Follower, type Transport } from './follower.ts'
import { type Answer, call, type Query, url } from './http.ts'
import { elements, members } from './rawjson.ts'

export interface PollAnswer extends Answer {
  events: ServerEvent[]
}

/** One poll. */
export async function ask(base: string, room: string, query: Query = {}, signal?: AbortSignal): Promise<PollAnswer> {
  const answer = await call(url(base, room, '/poll', query), signal ? { signal } : {})
  const events = answer.http === 200 ? members(answer.text).get('events') : undefined
  return { ...answer, events: elements(events ?? '[]').map(parseEvent) }
}

class Poller extends Follower {
  readonly #stop = new AbortController()
  readonly #base: string
  readonly #room: string

  constructor(base: string, room: string) {
    super('poll')
    this.#base = base
    this.#room = room
  }

  static async open(base: string, room: string, query: Query = {}): Promise<Poller> {
    const poller = new Poller(base, room)
    const first = await poller.#poll({ ...query, wait: 0 })
    const { type: _, ...told } = first
    // `recovered` has no place in a poll: no gap says the same.
    poller.welcome = { type: 'welcome', ...(told as Omit<ServerEvent, 'type'>) }
    void poller.#loop({ ...query, rewind: undefined, resume: query.resume ?? first.resume })
    return poller
  }

  async #poll(query: Query): Promise<PollAnswer> {
    const answer = await ask(this.#base, this.#room, query, this.#stop.signal)
    if (answer.http !== 200) throw new Error(`poll was answered ${answer.http} ${answer.text}`)
    for (const event of answer.events) this.receive(event)
    this.cursor = answer.cursor
    return answer
  }

  async #loop(query: Query): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) {
        const presence = query.presence === undefined ? undefined : (this.rev ?? query.presence)
        await this.#poll({ ...query, presence, cursor: this.cursor, wait: 20 })
      }
    } catch (error) {
      this.inbox.end(`${error}`)
    }
  }

  close(): void {
    this.#stop.abort()
  }
}

export const poll: Transport = { name: 'poll', open: Poller.open }
