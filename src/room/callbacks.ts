import { utf8Length } from '../protocol/data.ts'
import type { Draft, MessageDraft } from '../protocol/entry.ts'
import { Refusal } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Answers } from './answers.ts'
import { sameRequest } from './incoming.ts'
import type { Happening } from './participants.ts'
import type { RoomHost } from './ports.ts'
import type { Session } from './sessions.ts'
import { withOthers } from './submissions.ts'

/** What a callback did: to be committed as one. Or why all of it was undone. */
type Done = { readonly drafts: MessageDraft[]; readonly state?: string } | { readonly error: unknown }

/** What callbacks need of the room that they belong to. */
export interface CallbackParts {
  readonly host: RoomHost
  readonly answers: Answers
  /** Tells the application that a callback threw. */
  onError(session: Session | null, error: unknown): void
}

/** Runs an application's callbacks, each all or nothing: what it broadcasts, and what it does to the state. */
export class Callbacks<State> {
  state: State | null
  readonly #parts: CallbackParts
  #saved: string | null
  #drafts: MessageDraft[] | null = null

  /** `saved`: the state's JSON as it was last committed. */
  constructor(saved: string | null, parts: CallbackParts) {
    this.#parts = parts
    this.#saved = saved
    this.state = this.#restored()
  }

  /** Adds to what the running callback does; if none is running, it is committed by itself. */
  draft(draft: MessageDraft): void {
    if (this.#drafts === null) this.#parts.host.commit({ drafts: [draft] })
    else this.#drafts.push(draft)
  }

  /** Runs a callback and commits what it did, as one with what happened. `asked`: the message that it answers. */
  call(session: Session | null, callback: () => unknown, happening: Happening, asked?: MessageDraft): void {
    const { host, answers } = this.#parts
    const { replyTo, change } = happening
    const done = this.#run(callback, (error) => this.#refusal(session, error))
    if ('error' in done) {
      const { code, message } = this.#refusal(session, done.error)
      answers.tell(replyTo, { error: code, message })
      if (change !== undefined || happening.drafts.length > 0) {
        host.commit({ drafts: happening.drafts, ...(change && { change }) })
      }
      return
    }
    const drafts = [...happening.drafts, ...answering(asked, done.drafts)]
    const changes = done.state === undefined ? change : { ...change, state: done.state }
    if (drafts.length === 0 && changes === undefined) answers.tell(replyTo, {})
    else {
      host.commit({ drafts, ...withOthers(replyTo), ...(changes && { change: changes }), ...(replyTo && { replyTo }) })
    }
  }

  /** `late`: told of a rejection, should the callback be asynchronous after all. */
  #run(callback: () => unknown, late: (error: unknown) => void): Done {
    const drafts: MessageDraft[] = []
    this.#drafts = drafts
    try {
      const result = callback()
      if (isThenable(result)) {
        // Unheard, its rejection would end the process.
        result.then(undefined, late)
        throw new TypeError('Callbacks are synchronous: what they do later is not part of their commit')
      }
      const state = this.#changed()
      this.#saved = state ?? this.#saved
      return { drafts, ...(state !== undefined && { state }) }
    } catch (error) {
      this.state = this.#restored()
      return { error }
    } finally {
      this.#drafts = null
    }
  }

  /** What the asker is told of an error in a callback; the application, or else the operator, hears all of it. */
  #refusal(session: Session | null, error: unknown): Refusal {
    if (error instanceof Refusal) return error
    try {
      this.#parts.onError(session, error)
    } catch (another) {
      this.#parts.host.report(another)
    }
    return new Refusal('internal', 'The room could not handle this')
  }

  #restored(): State | null {
    return this.#saved === null ? null : (JSON.parse(this.#saved) as State)
  }

  /** The state's JSON if it is another now, changed in place or by assignment. */
  #changed(): string | undefined {
    if (this.state === null && this.#saved === null) return undefined
    const json = JSON.stringify(this.state ?? null)
    if (json === this.#saved) return undefined
    if (utf8Length(json.toWellFormed()) > LIMITS.stateBytes) {
      throw new RangeError(`A room's state is at most ${LIMITS.stateBytes} bytes of JSON`)
    }
    return json
  }
}

/** What a callback sent for a message: a repeat of the message is known by the first that came of it. */
function answering(asked: MessageDraft | undefined, drafts: readonly MessageDraft[]): readonly Draft[] {
  const [first, ...others] = drafts
  if (first === undefined || asked === undefined || first === asked) return drafts
  return [{ ...first, id: asked.id, ...sameRequest(asked) }, ...others]
}

interface Thenable {
  then(done: undefined, failed: (error: unknown) => void): unknown
}

const isThenable = (value: unknown): value is Thenable =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
