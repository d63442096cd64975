/** A guard, and no measure of speed: what is waited for comes at once, or on a slow machine in a while. */
export const PATIENCE = 30_000

/** What arrived, and who waits for it. Nothing here sleeps: a wait ends when something comes, or says what did. */
export class Inbox<T> {
  readonly #name: string
  readonly #items: T[] = []
  readonly #taken: T[] = []
  #ended: Error | undefined
  #wake: (() => void) | undefined

  constructor(name: string) {
    this.#name = name
  }

  push(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  end(why: string): void {
    this.#ended ??= new Error(why)
    this.#wake?.()
  }

  async next(patience = PATIENCE): Promise<T> {
    const end = Date.now() + patience
    while (this.#items.length === 0) {
      if (this.#ended) throw new Error(`${this.#name} ended (${this.#ended.message}) ${this.#received()}`)
      const left = end - Date.now()
      if (left <= 0) throw new Error(`${this.#name} heard nothing for ${patience} ms ${this.#received()}`)
      await this.#arrival(left)
    }
    const item = this.#items.shift() as T
    this.#taken.push(item)
    return item
  }

  async until(wanted: (item: T) => boolean, patience = PATIENCE): Promise<T[]> {
    const found: T[] = []
    for (;;) {
      const item = await this.next(patience)
      found.push(item)
      if (wanted(item)) return found
    }
  }

  /** What has come and nobody has asked for. */
  waiting(): readonly T[] {
    return this.#items
  }

  #arrival(patience: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patience)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }

  #received(): string {
    const last = this.#taken.slice(-5).map((item) => JSON.stringify(item).slice(0, 300))
    return `after ${this.#taken.length} items, the last: ${last.join(' ') || 'none'}`
  }
}
