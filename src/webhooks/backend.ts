import type { Judgement, Visitor, Welcome } from '../protocol/ask.ts'
import type { Tell } from '../protocol/journal.ts'
import type { OutboxRow, WebhookEvent } from '../protocol/webhook.ts'
import type { RoomLimits } from '../room/ports.ts'
import type { Submission } from '../room/questions.ts'
import { Censor } from './censor.ts'
import { Deliveries } from './deliveries.ts'
import { Doorman } from './doorman.ts'
import { Inquiry } from './inquiry.ts'
import type { WebhookSettings } from './settings.ts'
import { Signer } from './sign.ts'
import type { Slots, Turns } from './slots.ts'
import { type Answer, type Post, sendBatch } from './target.ts'

const UNSENT: Answer = { isTaken: false, why: 'too many rooms wait' }

/** The backend of a deployment, as its rooms and the gateway see it. */
export class Backend {
  readonly #settings: WebhookSettings
  readonly #signer: Signer
  readonly #post: Post
  readonly #doorman: Doorman | null
  readonly #censor: Censor | null
  readonly #turns: Turns
  /** What became of it all. */
  readonly deliveries = new Deliveries()

  constructor(
    settings: WebhookSettings,
    post: Post,
    turns: Turns,
    limits: Pick<RoomLimits, 'payload' | 'presenceState'>,
    tell: Tell,
  ) {
    this.#settings = settings
    this.#signer = new Signer(settings.secrets)
    this.#post = post
    this.#turns = turns
    const { ask } = settings
    const counts = this.deliveries.questions
    // Each has its own: that it does not answer the one says nothing of the other, which may be another program.
    const inquiry = ask && (() => new Inquiry({ ...ask, signer: this.#signer, post, tell, counts }))
    this.#doorman = ask && inquiry ? new Doorman(inquiry(), turns.visitors, ask.open, limits.presenceState) : null
    this.#censor = ask && inquiry ? new Censor(inquiry(), ask.open, limits.payload) : null
  }

  /** What it hears of a room. */
  tells(room: string): readonly WebhookEvent[] {
    const { tell } = this.#settings
    return tell?.rooms(room) ? tell.events : []
  }

  /** The most events of a room that may wait. */
  get waiting(): number {
    return this.#settings.tell?.waiting ?? 0
  }

  /** Who comes to a room, as far as it wants to be asked (ASK-1); never rejects. */
  async connect(visitor: Visitor, session: string, traceparent?: string): Promise<Welcome> {
    if (this.#doorman === null || !this.#settings.ask?.connect(visitor.room)) return {}
    return this.#doorman.connect(visitor, session, traceparent)
  }

  /** Is it asked about the messages of a room (ASK-5)? */
  asks(room: string): boolean {
    return this.#settings.ask?.message(room) ?? false
  }

  /** What it makes of a message that came then (ms); never rejects. */
  async judge(room: string, submission: Submission, since: number, slots: Slots): Promise<Judgement> {
    return this.#censor === null ? { rewrite: {} } : this.#censor.judge(room, submission, since, slots)
  }

  /** One attempt to deliver; never rejects. */
  async send(room: string, rows: readonly OutboxRow[]): Promise<Answer> {
    const { tell } = this.#settings
    if (tell === undefined) return { isTaken: false, why: 'no backend is configured' }
    const { url, timeout } = tell
    const target = { url, timeout, signer: this.#signer, post: this.#post, now: Date.now }
    const answer = (await this.#turns.telling.use(() => sendBatch(target, room, rows))) ?? UNSENT
    this.deliveries.attempts[answer.isTaken ? 'taken' : 'failed']++
    return answer
  }
}
