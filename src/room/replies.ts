import { toReply } from './outcomes.ts'
import type { Command, Reply, ReplyTo, Settled, Ticket } from './ports.ts'
import type { Answered } from './questions.ts'

export const INTERNAL: Reply = { type: 'error', code: 'internal', message: 'The room could not handle this' }

type Report = (error: unknown) => void

/** Commands that wait for their answers. It is the host's, so that none is forgotten when the room is born again. */
export class Replies {
  readonly #open = new Map<Ticket, { readonly replies: Reply[]; left: number; readonly done: (reply: Reply) => void }>()
  #tickets = 0

  get size(): number {
    return this.#open.size
  }

  /** The ticket under which the answer to a command comes. */
  expect(command: Command, done: (reply: Reply) => void): Ticket {
    const ticket = ++this.#tickets
    this.#open.set(ticket, { replies: [], left: command.type === 'batch' ? command.publications.length : 1, done })
    return ticket
  }

  /** Asks the room for something; should that fail, whoever asked must not wait for ever. */
  ask(command: Command, done: (reply: Reply) => void, report: Report, act: (ticket: Ticket) => void): void {
    const ticket = this.expect(command, done)
    try {
      act(ticket)
    } catch (error) {
      report(error)
      this.forget(ticket, INTERNAL)
    }
  }

  /** For what the host itself has committed: told when that is over, false if it was not written. */
  expectWritten(done: (isWritten: boolean) => void): ReplyTo {
    return { ticket: this.expect({ type: 'info' }, ({ type }) => done(type !== 'error')) }
  }

  /** What came of a commit that the room cannot tell of. */
  settle(outcomes: Settled['outcomes']): void {
    for (const { replyTo, outcome } of outcomes) {
      if ('ticket' in replyTo) this.answer(replyTo.ticket, toReply(replyTo, outcome), replyTo.index)
    }
  }

  /** Answers a command of which nothing more is to be expected. */
  forget(ticket: Ticket, reply: Reply): void {
    const waiting = this.#open.get(ticket)
    this.#open.delete(ticket)
    waiting?.done(reply)
  }

  /** Has an answer told; should that fail, whoever asked over HTTP must not wait for ever. */
  guard(answered: Answered, report: Report, tell: () => void): void {
    try {
      tell()
    } catch (error) {
      report(error)
      for (const { replyTo } of answered.hook === 'message' ? answered.messages : []) {
        if (replyTo !== undefined && 'ticket' in replyTo) this.forget(replyTo.ticket, INTERNAL)
      }
    }
  }

  /** Answers whoever still waits. */
  forgetAll(reply: Reply): void {
    for (const ticket of [...this.#open.keys()]) this.forget(ticket, reply)
  }

  /** `index`: of the item within a batch, which is answered when all its items are. */
  answer(ticket: Ticket, reply: Reply, index: number | undefined): void {
    const waiting = this.#open.get(ticket)
    if (waiting === undefined) return
    waiting.replies[index ?? 0] = reply
    if (--waiting.left > 0) return
    this.#open.delete(ticket)
    waiting.done(index === undefined ? reply : { type: 'batch', replies: waiting.replies })
  }
}
