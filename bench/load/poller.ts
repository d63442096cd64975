import type { Answer, HttpWire } from './http.ts'
import { readKeys } from './message.ts'

/** How a server is polled: the request that begins, and the one that follows upon an answer. */
export interface PollDialect {
  first(room: string, poller: number): string
  next(room: string, poller: number, answer: Answer): string
  /** Does the first answer come at once, to say where to start from? */
  readonly startsAtOnce: boolean
}

/** One that polls, again as soon as it has its answer. */
export class Poller {
  received = 0
  polls = 0
  readonly #http: HttpWire
  readonly #dialect: PollDialect
  readonly #room: string
  readonly #number: number
  readonly #keys: number[] = []
  onMessage: (key: number, now: number) => void = () => {}
  onTrouble: (what: string) => void = () => {}

  constructor(http: HttpWire, dialect: PollDialect, room: string, number: number) {
    this.#http = http
    this.#dialect = dialect
    this.#room = room
    this.#number = number
    http.onEnd = (why) => this.onTrouble(`a poller's connection ended: ${why}`)
  }

  /** Resolves when it waits for what comes next. */
  start(): Promise<void> {
    const request = this.#dialect.first(this.#room, this.#number)
    if (!this.#dialect.startsAtOnce) {
      this.#http.ask(request, this.#answered)
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#http.ask(request, (answer) => {
        this.#answered(answer)
        resolve()
      })
    })
  }

  readonly #answered = (answer: Answer): void => {
    const now = performance.now()
    if (answer.status !== 200) {
      this.onTrouble(`a poll was answered ${answer.status}: ${answer.bytes.toString('utf8', 0, 200)}`)
      return
    }
    // What it says is read before the next request, which may be answered into the same memory.
    const request = this.#dialect.next(this.#room, this.#number, answer)
    this.#keys.length = 0
    readKeys(answer.bytes, 0, answer.bytes.length, this.#keys)
    this.#http.ask(request, this.#answered)
    this.polls++
    for (const key of this.#keys) {
      this.received++
      this.onMessage(key, now)
    }
  }
}
