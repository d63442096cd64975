import { type Judgement, REFUSED, readJudgement } from '../protocol/ask.ts'
import { frameLimit } from '../protocol/limits.ts'
import type { Submission } from '../room/questions.ts'
import { type Inquiry, Unasked } from './inquiry.ts'
import type { Slots } from './slots.ts'

/** Asks the backend about messages (ASK-5). */
export class Censor {
  readonly #inquiry: Inquiry
  readonly #isOpen: boolean
  readonly #payloadLimit: number

  /** `isOpen`: without an answer they pass as they are. `payloadLimit`: SIZE-1, bytes. */
  constructor(inquiry: Inquiry, isOpen: boolean, payloadLimit: number) {
    this.#inquiry = inquiry
    this.#isOpen = isOpen
    this.#payloadLimit = payloadLimit
  }

  /** `since`: when it came (ms). Never rejects. */
  async judge(room: string, submission: Submission, since: number, slots: Slots): Promise<Judgement> {
    try {
      const judged = slots.use(() => this.#judge(room, submission, since))
      if (judged === null) throw new Unasked('too many messages wait')
      return await judged
    } catch (error) {
      this.#inquiry.complain('about a message', error)
      if (error instanceof Unasked) return { error: 'busy', message: 'Too many messages wait for the backend' }
      if (this.#isOpen) return { rewrite: {} }
      return { error: 'backend', message: 'The backend could not be asked; send it again under the same id' }
    }
  }

  async #judge(room: string, submission: Submission, since: number): Promise<Judgement> {
    const answer = await this.#inquiry.ask({
      type: 'ask.message',
      room,
      subject: submission.draft.id,
      traceparent: submission.draft.traceparent,
      data: dataOf(room, submission),
      // Escapes swell.
      maxAnswer: frameLimit(this.#payloadLimit),
      since,
    })
    return answer === null ? { error: 'forbidden', message: REFUSED } : readJudgement(answer, this.#payloadLimit)
  }
}

/** The message as the log would have it, spliced as it came (DATA-1). */
function dataOf(room: string, { draft, user }: Submission): string {
  const { id, from, event, body, audience, ephemeral } = draft
  const member = (name: string, value: unknown): string =>
    value === undefined ? '' : `${JSON.stringify(name)}:${JSON.stringify(value)},`
  const message = `${member('id', id)}${member('from', from)}${member('user', user)}${member('event', event)}${body.member}`
  const about = `${member('audience', audience)}${member('ephemeral', ephemeral || undefined)}`
  return `{"room":"${room}",${about}"message":{${message}}}`
}
