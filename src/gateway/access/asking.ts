import type { Connection, Verdict } from '../../room/ports.ts'

/** Connections whose tokens are being verified, on behalf of their room. */
export class Asking {
  readonly #asking = new Set<Connection>()

  async ask(connection: Connection, verdict: Promise<Verdict>, tell: (verdict: Verdict) => void): Promise<void> {
    this.#asking.add(connection)
    const known = await verdict
    if (this.#asking.delete(connection)) tell(known)
  }

  /** It is gone, or was told already. */
  forget(connection: Connection): void {
    this.#asking.delete(connection)
  }

  /** The room is born again, and what they said after their tokens was its to remember: to be sent away. */
  takeAll(): readonly Connection[] {
    const all = [...this.#asking]
    this.#asking.clear()
    return all
  }
}
