/** What can fail beneath a room. */
export type Fault = 'commit' | 'answer' | 'read' | 'send' | 'tell'

/** Decides which of them do: by chance, or the n-th of a kind. Counts them all, so that a sweep knows how many there are. */
export class Faults {
  readonly counts: Record<Fault, number> = { commit: 0, answer: 0, read: 0, send: 0, tell: 0 }
  readonly #fails: (fault: Fault, n: number) => boolean
  #healed = false

  constructor(fails: (fault: Fault, n: number) => boolean = () => false) {
    this.#fails = fails
  }

  /** Nothing fails any more, nor is counted. */
  heal(): void {
    this.#healed = true
  }

  /** @throws Error if this one fails */
  hit(fault: Fault): void {
    if (this.#healed) return
    const n = ++this.counts[fault]
    if (this.#fails(fault, n)) throw new Error(`${fault} ${n} was made to fail`)
  }
}
