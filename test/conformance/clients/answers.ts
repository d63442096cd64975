import type { ServerEvent } from './events.ts'
import { PATIENCE } from './inbox.ts'

/** Operations that wait for what answers their `ref`. */
export class Answers {
  readonly #asked = new Map<string | number, { resolve(answer: ServerEvent): void; reject(error: Error): void }>()
  #refs = 0
  #over: string | undefined

  nextRef(): string {
    return `r${++this.#refs}`
  }

  expect(ref: string | number): Promise<ServerEvent> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${ref}`)), PATIENCE)
      const settle = (finish: () => void) => {
        clearTimeout(late)
        finish()
      }
      this.#asked.set(ref, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      })
      if (this.#over !== undefined) this.end(this.#over)
    })
  }

  /** Is it an answer that is waited for? Then it has arrived. */
  take(event: ServerEvent): boolean {
    const waiting = event.ref === undefined ? undefined : this.#asked.get(event.ref)
    if (waiting === undefined) return false
    this.#asked.delete(event.ref as string | number)
    waiting.resolve(event)
    return true
  }

  end(why: string): void {
    this.#over = why
    for (const [ref, { reject }] of this.#asked) reject(new Error(`${why} instead of an answer to ${ref}`))
    this.#asked.clear()
  }
}
