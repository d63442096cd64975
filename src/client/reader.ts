/** One who reads a room by `for await`: what came and was not read yet. */
export class Reader<T> implements AsyncIterableIterator<T> {
  readonly #queue: T[] = []
  readonly #gone: (reader: Reader<T>) => void
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = []
  #isOver = false
  readonly #read: () => void

  /** `read` is told of each that is read, `gone` once when no more is. */
  constructor(read: () => void, gone: (reader: Reader<T>) => void) {
    this.#read = read
    this.#gone = gone
  }

  /** How many wait to be read. */
  get behind(): number {
    return this.#queue.length
  }

  push(value: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#queue.push(value)
    else waiting({ done: false, value })
  }

  /** Nothing more comes; what waits can still be read. */
  end(): void {
    this.#isOver = true
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#queue.length > 0) {
      const value = this.#queue.shift() as T
      this.#read()
      return Promise.resolve({ done: false, value })
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<T>> {
    this.#queue.length = 0
    this.end()
    this.#gone(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
