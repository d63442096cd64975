import { may, type Pass } from '../protocol/capabilities.ts'
import { historyEvent } from '../protocol/events.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { HistoryQuery } from '../protocol/operations.ts'
import type { Answers } from './answers.ts'
import type { Fanout } from './fanout.ts'
import { planHistory, toHistoryPage } from './history.ts'
import type { Connection, HistoryRead, Page, RoomHost, RoomLimits } from './ports.ts'

/** Requests for pages of history: from the asking to the answer, with the reading by the host between them. */
export class HistoryRequests {
  readonly #host: RoomHost
  readonly #limits: RoomLimits
  readonly #fanout: Fanout
  readonly #answers: Answers
  /** Connections for which is being read: one page at a time, or a few bytes of input would cost megabytes of reading. */
  readonly #reading = new WeakSet<Connection>()

  constructor(host: RoomHost, limits: RoomLimits, fanout: Fanout, answers: Answers) {
    this.#host = host
    this.#limits = limits
    this.#fanout = fanout
    this.#answers = answers
  }

  ask(read: HistoryRead, query: HistoryQuery, pass: Pass | undefined): void {
    const { replyTo } = read
    if ('connection' in replyTo) {
      if (this.#reading.has(replyTo.connection) || replyTo.connection.credit() <= 0) {
        this.#answers.tell(replyTo, {
          error: 'busy',
          message: 'Read the history that you asked for before you ask for more',
        })
        return
      }
      this.#reading.add(replyTo.connection)
    }
    const { scan, gap } = planHistory(this.#fanout.head, query, this.#limits.historyPage)
    const since = may(pass, 'history') ? {} : { since: this.#host.now() - LIMITS.recent }
    this.#host.read({ ...read, ...(gap !== undefined && { gap }), ...since }, scan)
  }

  answer(read: HistoryRead, page: Page): void {
    const history = toHistoryPage(this.#fanout.head, read, page)
    const { replyTo } = read
    if ('ticket' in replyTo) this.#host.reply(replyTo.ticket, { type: 'history', page: history })
    else {
      this.#reading.delete(replyTo.connection)
      this.#fanout.tell(replyTo.connection, [historyEvent(replyTo.ref, history)])
    }
  }
}
