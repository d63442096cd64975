import type { Environment } from '../environment.ts'
import { endOf } from '../errors.ts'
import type { End, Sink, Wire } from './wire.ts'

/** A wire that is made of requests. */
export class Held implements Wire {
  readonly #controller = new AbortController()
  readonly #environment: Environment
  readonly #sink: Sink
  #cancel = (): void => {}

  constructor(environment: Environment, sink: Sink, follow: (held: Held) => Promise<End>) {
    this.#environment = environment
    this.#sink = sink
    follow(this).then(this.#end, (error) => this.#end(endOf(error)))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  close(): void {
    this.#cancel()
    this.#controller.abort()
  }

  /** It ends if nothing more is expected of it within so many milliseconds. */
  expect(milliseconds: number): void {
    this.#cancel()
    this.#cancel = this.#environment.after(milliseconds, () => this.#end({ reason: 'nothing came', silent: true }))
  }

  pause(seconds: number): Promise<void> {
    this.#cancel()
    return new Promise((resume) => {
      this.#cancel = this.#environment.after(seconds * 1000, resume)
    })
  }

  readonly #end = (end: End): void => {
    if (this.signal.aborted) return
    this.close()
    this.#sink.ended(end)
  }
}
