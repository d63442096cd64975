import type { WebhookSettings } from './settings.ts'
import type { Signer } from './sign.ts'
import { type Post, whyOf } from './target.ts'

/** Who comes, as the backend is asked (ASK-1). */
export interface Visitor {
  readonly room: string
  readonly kind: string
  readonly user?: string
  readonly token?: string
  /** What of the request tells the backend who it is. */
  readonly headers: Readonly<Record<string, string>>
}

/** What the backend makes of it. */
export type Welcome =
  | { readonly user?: string; readonly state?: string; readonly refused?: never }
  | { readonly refused: string; readonly isFinal: boolean }

type AskSettings = NonNullable<WebhookSettings['ask']>

/** The most of an answer, in bytes. */
const MAX_ANSWER = 16 * 1024
/** How long a welcome holds for the same request (ms), so that polls and reconnects do not ask each time; how many are kept. */
const HOLDS = 60_000
const KEPT = 10_000

/** Asks the backend who may connect, each question once at a time. */
export class Asker {
  readonly #settings: AskSettings
  readonly #signer: Signer
  readonly #post: Post
  readonly #known = new Map<string, { readonly until: number; readonly welcome: Promise<Welcome> }>()

  constructor(settings: AskSettings, signer: Signer, post: Post) {
    this.#settings = settings
    this.#signer = signer
    this.#post = post
  }

  asks(room: string): boolean {
    return this.#settings.connect(room)
  }

  connect(visitor: Visitor): Promise<Welcome> {
    const data = JSON.stringify(visitor)
    const known = this.#known.get(data)
    if (known !== undefined && known.until > Date.now()) return known.welcome
    const welcome = this.#ask(visitor.room, data)
    this.#known.delete(data)
    this.#known.set(data, { until: Date.now() + HOLDS, welcome })
    for (const [oldest] of this.#known) {
      if (this.#known.size <= KEPT) break
      this.#known.delete(oldest)
    }
    // A refusal is not kept: whoever signs in meanwhile comes in at once.
    welcome.then(({ refused }) => {
      if (refused !== undefined && this.#known.get(data)?.welcome === welcome) this.#known.delete(data)
    })
    return welcome
  }

  async #ask(room: string, data: string): Promise<Welcome> {
    const { url, timeout, open } = this.#settings
    try {
      const id = `ask_${crypto.randomUUID()}`
      const time = Date.now()
      const about = `"id":"${id}","source":"/v1/rooms/${room}","type":"ask.connect","time":"${new Date(time).toISOString()}"`
      const body = `{"specversion":"1.0",${about},"datacontenttype":"application/json","data":${data}}`
      const signature = await this.#signer.headers(id, Math.floor(time / 1000), body)
      const headers = { 'content-type': 'application/cloudevents+json', ...signature }
      const answer = await this.#post({ url, headers, body, timeout, maxAnswer: MAX_ANSWER })
      if (answer.status === 401 || answer.status === 403) return { refused: 'the backend refused it', isFinal: true }
      if (answer.status < 200 || answer.status > 299) throw new Error(`it answered ${answer.status}`)
      return answer.body.trim() === '' ? {} : readWelcome(JSON.parse(answer.body))
    } catch (error) {
      if (open) return {}
      console.error(`The backend could not be asked who may connect: ${whyOf(error)}`)
      return { refused: 'the backend did not answer', isFinal: false }
    }
  }
}

/** @throws Error if it is no answer: what cannot be read lets nobody in. */
function readWelcome(answer: unknown): Welcome {
  if (typeof answer !== 'object' || answer === null) throw new Error('its answer is no JSON object')
  const { refuse, user, state } = answer as Record<string, unknown>
  if (refuse !== undefined && refuse !== false) {
    return { refused: typeof refuse === 'string' ? refuse : 'the backend refused it', isFinal: true }
  }
  if (user !== undefined && (typeof user !== 'string' || user === '' || user.length > 128)) {
    throw new Error('the `user` of its answer is no text of 1 to 128 characters')
  }
  const json = state === undefined ? undefined : JSON.stringify(state)
  if (json !== undefined && json.length > 1024) throw new Error('the `state` of its answer is larger than 1,024 bytes')
  return {
    ...(user !== undefined && { user: user.toWellFormed() }),
    ...(json !== undefined && { state: json }),
  }
}
