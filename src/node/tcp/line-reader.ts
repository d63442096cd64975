const LF = 10
const CR = 13

/** Takes bytes in any pieces, gives whole lines. What of a line has come is searched once, however many pieces it comes in. */
export class LineReader {
  /** Of a line whose end has not come. */
  readonly #begun: Buffer[] = []
  #size = 0
  /** Not searched yet. */
  #rest: Buffer = Buffer.alloc(0)

  /** Bytes of the line whose end has not come. */
  get begun(): number {
    return this.#size
  }

  /** Only when `next` has no more. */
  add(piece: Buffer): void {
    this.#rest = piece
  }

  /** The next line without its end, LF or CRLF; undefined: it has not come whole. */
  next(): Buffer | undefined {
    const at = this.#rest.indexOf(LF)
    const end = at < 0 ? this.#rest.length : at
    if (end > 0) this.#begun.push(this.#rest.subarray(0, end))
    this.#size += end
    this.#rest = this.#rest.subarray(at < 0 ? end : at + 1)
    return at < 0 ? undefined : this.#taken()
  }

  /** What has come of a line that will have no end: the client sends nothing more. */
  last(): Buffer {
    return this.#taken()
  }

  #taken(): Buffer {
    const line = this.#begun.length === 1 ? (this.#begun[0] as Buffer) : Buffer.concat(this.#begun)
    this.#begun.length = 0
    this.#size = 0
    return line.at(-1) === CR ? line.subarray(0, -1) : line
  }
}
