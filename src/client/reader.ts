/** Reads a room by `for await`: keeps what came and was not read yet. */
export class Reader<T> {
  readonly #queue: T[] = []
  readonly #wasRead: () => void
  #wake = (): void => {}
  #isOver = false

  /** `wasRead` is told of each that is read. */
  constructor(wasRead: () => void) {
    this.#wasRead = wasRead
  }

  /** How many wait to be read. */
  get behind(): number {
    return this.#queue.length
  }

  push(value: T): void {
    this.#queue.push(value)
    this.#wake()
  }

  /** Nothing more comes; what waits can still be read. */
  end(): void {
    this.#isOver = true
    this.#wake()
  }

  /** `gone` is told when no more is read. */
  read(gone: () => void): AsyncGenerator<T, undefined> {
    const all = this.#read()
    const back = all.return.bind(all)
    // A generator alone would end when the next has come, and have nothing to do with its end if it had not begun.
    all.return = (value) => {
      this.end()
      gone()
      return back(value)
    }
    return all
  }

  async *#read(): AsyncGenerator<T, undefined> {
    for (;;) {
      while (this.#queue.length > 0) {
        yield this.#queue.shift() as T
        this.#wasRead()
      }
      if (this.#isOver) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
