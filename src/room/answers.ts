import type { Item } from '../protocol/events.ts'
import type { Fanout } from './fanout.ts'
import { plainEnd, toEvent, toReply } from './outcomes.ts'
import type { Connection, Outcome, ReplyTo, RoomHost, Settled } from './ports.ts'

/** Tells those who asked what became of it, each in its own way. */
export class Answers {
  readonly #host: RoomHost
  readonly #fanout: Fanout
  readonly #retryAfter = (): number => this.#host.retryAfter(0)

  constructor(host: RoomHost, fanout: Fanout) {
    this.#host = host
    this.#fanout = fanout
  }

  /** `replyTo`: absent, nobody asked. */
  tell(replyTo: ReplyTo | undefined, outcome: Outcome): void {
    if (replyTo === undefined) return
    if ('ticket' in replyTo) this.#host.reply(replyTo.ticket, toReply(replyTo, outcome), replyTo.index)
    else if (replyTo.connection.attachment.codec === 'plain') this.#tellPlain(replyTo.connection, outcome)
    else this.#fanout.tell(replyTo.connection, [toEvent(replyTo, outcome, this.#retryAfter)])
  }

  /** `why`: absent, it was not refused. */
  refuse(replyTo: ReplyTo, why: Outcome | undefined): void {
    if (why !== undefined) this.tell(replyTo, why)
  }

  /** Of one commit: a connection hears all that is for it at once. */
  tellAll(outcomes: Settled['outcomes']): void {
    const told = new Map<Connection, Item[]>()
    for (const { replyTo, outcome } of outcomes) {
      if ('ticket' in replyTo || replyTo.connection.attachment.codec === 'plain') this.tell(replyTo, outcome)
      else {
        const items = told.get(replyTo.connection) ?? []
        items.push(toEvent(replyTo, outcome, this.#retryAfter))
        told.set(replyTo.connection, items)
      }
    }
    for (const [connection, items] of told) this.#fanout.tell(connection, items)
  }

  #tellPlain(connection: Connection, outcome: Outcome): void {
    const end = plainEnd(outcome)
    if (end !== null && this.#fanout.has(connection)) this.#fanout.close(connection, end.code, end.reason)
  }
}
