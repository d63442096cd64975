import type { Tell } from '../protocol/journal.ts'
import { Circuit } from './circuit.ts'
import type { Deliveries } from './deliveries.ts'
import type { Signer } from './sign.ts'
import { type Post, type Posted, whyOf } from './target.ts'

export interface InquiryOptions {
  readonly url: string
  /** Of one question (ms). */
  readonly timeout: number
  readonly signer: Signer
  readonly post: Post
  readonly tell: Tell
  readonly counts: Deliveries['questions']
}

export interface Inquired {
  readonly type: 'ask.connect' | 'ask.message'
  readonly room: string
  readonly subject?: string
  readonly traceparent?: string | undefined
  /** JSON. */
  readonly data: string
  /** Of the answer, in bytes. */
  readonly maxAnswer: number
  /** When it was to be asked (ms): it may have waited. */
  readonly since: number
}

/** It could not be asked in time, because too many others were: it has not failed. */
export class Unasked extends Error {}

/** What part of its time a question may have waited for the backend to have had its time nonetheless. */
const WAITED = 0.1
/** Between two complaints (ms). */
const QUIET = 1000

/** Puts questions of one kind to the backend, each a signed CloudEvent in structured JSON, answered within its time or not at all. */
export class Inquiry {
  readonly #options: InquiryOptions
  readonly #circuit = new Circuit()
  #quietUntil = 0

  constructor(options: InquiryOptions) {
    this.#options = options
  }

  /** The text of its answer; null: it refuses, by its status. @throws Error if it does not answer, Unasked if it could not */
  async ask(inquired: Inquired): Promise<string | null> {
    try {
      const answer = await this.#ask(inquired)
      this.#options.counts.answered++
      return answer
    } catch (error) {
      this.#options.counts[error instanceof Unasked ? 'unasked' : 'failed']++
      throw error
    }
  }

  async #ask(inquired: Inquired): Promise<string | null> {
    const timeout = inquired.since + this.#options.timeout - Date.now()
    if (timeout <= 0) throw new Unasked('too many questions wait')
    if (!this.#circuit.allows(Date.now())) throw new Error('it has not answered lately')
    const { status, body } = await this.#posted(inquired, timeout)
    if (status === 401 || status === 403) return null
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`)
    return body.trim() === '' ? '{}' : body
  }

  /** Tells the operator, but once a second at most: who floods a room must not flood the log. */
  complain(about: string, error: unknown): void {
    const now = Date.now()
    if (now < this.#quietUntil) return
    this.#quietUntil = now + QUIET
    this.#options.tell('warn', `The backend could not be asked ${about}`, { why: whyOf(error) })
  }

  /** What costs time counts as a failure; an error that it answers at once keeps nobody waiting. */
  async #posted({ type, room, subject, data, maxAnswer, traceparent }: Inquired, timeout: number): Promise<Posted> {
    const { url, signer, post } = this.#options
    const id = `ask_${crypto.randomUUID()}`
    const now = Date.now()
    const trace = traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`
    const about = (subject === undefined ? '' : `,"subject":${JSON.stringify(subject)}`) + trace
    const event = `"id":"${id}","source":"/v1/rooms/${room}","type":"${type}"${about},"time":"${new Date(now).toISOString()}"`
    const body = `{"specversion":"1.0",${event},"datacontenttype":"application/json","data":${data}}`
    const signature = await signer.headers(id, Math.floor(now / 1000), body)
    const headers = {
      'content-type': 'application/cloudevents+json',
      ...(traceparent !== undefined && { traceparent }),
      ...signature,
    }
    try {
      const posted = await post({ url, headers, body, timeout, maxAnswer })
      this.#circuit.succeeded()
      return posted
    } catch (error) {
      // What is left of its time, after a wait of ours, says nothing of the backend.
      if (timeout < this.#options.timeout * (1 - WAITED)) throw new Unasked('it was asked too late', { cause: error })
      this.#circuit.failed(Date.now())
      throw error
    }
  }
}
