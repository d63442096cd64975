import type { Judgement } from '../protocol/ask.ts'
import type { Connection, Verdict } from '../room/ports.ts'
import type { Answered, MessageQuestion, Question, Submission } from '../room/questions.ts'
import { Verdicts } from '../room/verdicts.ts'

/** What a clerk needs of the host of its room. */
export interface ClerkHost {
  /** What a token lets its bearer do here. */
  verify(token: string): Promise<Verdict>
  /** What the backend makes of a message that came then (ms); never rejects. */
  judge(submission: Submission, since: number): Promise<Judgement>
  /** → `room.verdict`. What it throws is the host's to tell. */
  tell(answered: Answered): void
  report(error: unknown): void
}

/** Carries what one room asks to those who know, and brings the answers back in their order. */
export class Clerk {
  readonly #host: ClerkHost
  readonly #verdicts: Verdicts
  /** A message that is sent again while it is asked about is asked about once. */
  readonly #judging = new Map<string, Promise<Judgement>>()

  constructor(host: ClerkHost) {
    this.#host = host
    this.#verdicts = new Verdicts((answered) => host.tell(answered))
  }

  get isIdle(): boolean {
    return this.#verdicts.isEmpty
  }

  awaits(connection: Connection): Question['hook'] | null {
    return this.#verdicts.awaits(connection)
  }

  /** Resolves when the answer is there; null: too much waits already. */
  ask(question: Question): Promise<void> | null {
    if (!this.#verdicts.add(question)) return null
    return question.hook === 'turn' ? Promise.resolve() : this.#carry(question)
  }

  async #carry(question: Exclude<Question, { hook: 'turn' }>): Promise<void> {
    const answered =
      question.hook === 'auth'
        ? { ...question, verdict: await this.#verify(question.token) }
        : { ...question, verdicts: await this.#judge(question) }
    this.#verdicts.decided(question, answered)
  }

  /** What cannot be told lets nobody do more; and no line may wait for ever. */
  async #verify(token: string): Promise<Verdict> {
    try {
      return await this.#host.verify(token)
    } catch (error) {
      this.#host.report(error)
      return { error: 'internal', message: 'The token could not be checked' }
    }
  }

  #judge({ messages }: MessageQuestion): Promise<Judgement[]> {
    const since = Date.now()
    return Promise.all(messages.map((submission) => this.#judgeOne(submission, since)))
  }

  #judgeOne(submission: Submission, since: number): Promise<Judgement> {
    const { dedupe } = submission.draft
    const judge = () => this.#host.judge(submission, since)
    if (dedupe === undefined) return judge()
    const key = `${dedupe.key} ${dedupe.fingerprint}`
    const known = this.#judging.get(key)
    if (known !== undefined) return known
    const judging = judge().finally(() => this.#judging.delete(key))
    this.#judging.set(key, judging)
    return judging
  }
}
