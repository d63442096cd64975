import type { OutboxRow, WebhookEvent } from '../protocol/webhook.ts'
import { Asker, type Visitor, type Welcome } from './ask.ts'
import type { WebhookSettings } from './settings.ts'
import { Signer } from './sign.ts'
import { Slots } from './slots.ts'
import { type Answer, type Post, sendBatch } from './target.ts'

/** Attempts under way at once, of all rooms of a process. */
const AT_ONCE = 16

/** The backend of a deployment, as its rooms and the gateway see it. */
export class Backend {
  readonly #settings: WebhookSettings
  readonly #signer: Signer
  readonly #post: Post
  readonly #asker: Asker | null
  readonly #slots = new Slots(AT_ONCE)

  constructor(settings: WebhookSettings, post: Post) {
    this.#settings = settings
    this.#signer = new Signer(settings.secrets)
    this.#post = post
    this.#asker = settings.ask === undefined ? null : new Asker(settings.ask, this.#signer, post)
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
  async connect(visitor: Visitor): Promise<Welcome> {
    return this.#asker?.asks(visitor.room) ? this.#asker.connect(visitor) : {}
  }

  /** One attempt to deliver; never rejects. */
  send(room: string, rows: readonly OutboxRow[]): Promise<Answer> {
    const { tell } = this.#settings
    if (tell === undefined) return Promise.resolve({ isTaken: false, why: 'no backend is configured' })
    const { url, timeout } = tell
    const target = { url, timeout, signer: this.#signer, post: this.#post, now: Date.now }
    return this.#slots.use(() => sendBatch(target, room, rows))
  }
}
