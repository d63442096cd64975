import { utf8Length } from '../protocol/data.ts'
import type { MessageDraft } from '../protocol/entry.ts'
import { LIMITS } from '../protocol/limits.ts'

/** What a callback did: to be committed as one. Or why all of it was undone. */
export type Done = { readonly drafts: MessageDraft[]; readonly state?: string } | { readonly error: unknown }

/** Runs an application's callbacks, each all or nothing: what it broadcasts, and what it does to the state. */
export class Callbacks<State> {
  state: State | null
  #saved: string | null
  #drafts: MessageDraft[] | null = null

  /** `saved`: the state's JSON as it was last committed. */
  constructor(saved: string | null) {
    this.#saved = saved
    this.state = this.#restored()
  }

  /** Adds to what the running callback does; false: none is running. */
  add(draft: MessageDraft): boolean {
    this.#drafts?.push(draft)
    return this.#drafts !== null
  }

  /** `late`: told of a rejection, should the callback be asynchronous after all. */
  run(callback: () => unknown, late: (error: unknown) => void): Done {
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

interface Thenable {
  then(done: undefined, failed: (error: unknown) => void): unknown
}

const isThenable = (value: unknown): value is Thenable =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
