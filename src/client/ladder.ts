import type { TransportName } from './transports/wire.ts'

/** Which transport to take: the best of those that are not known to be blocked. */
export class Ladder {
  readonly #transports: readonly TransportName[]
  readonly #blocked = new Set<TransportName>()

  /** Best first; at least one. */
  constructor(transports: readonly TransportName[]) {
    this.#transports = transports
  }

  best(): TransportName {
    return this.#transports.find((each) => !this.#blocked.has(each)) as TransportName
  }

  /** False: that was the last, so it was none's own fault, and nothing is known of any. */
  block(transport: TransportName): boolean {
    this.#blocked.add(transport)
    if (this.#blocked.size < this.#transports.length) return true
    this.#blocked.clear()
    return false
  }

  /** It works, also if it did not before. */
  works(transport: TransportName): void {
    this.#blocked.delete(transport)
  }

  /** The network may be another. */
  clear(): void {
    this.#blocked.clear()
  }

  above(transport: TransportName): TransportName[] {
    return this.#transports.slice(0, this.#transports.indexOf(transport))
  }
}
