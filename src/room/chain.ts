/** Something's place in a chain. */
export class Link<T> {
  readonly of: T
  before: Link<T> | undefined = undefined
  after: Link<T> | undefined = undefined
  isIn = false

  constructor(of: T) {
    this.of = of
  }
}

/**
 * What stands in the order in which it came, and goes from anywhere in it: for those who come and go many times a second.
 * A `Set` or `Map` of them would be made anew every so often, and V8 has the old one lead to the new one. Once one of them
 * was old enough to be looked at seldom, all that came later would stay until then, and be copied: 30 times the time for
 * 500 who go and come (Node 24, 2026-11).
 */
export class Chain<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first?.of
  }

  /** Puts one at the end, which is in no chain. */
  add(link: Link<T>): void {
    link.isIn = true
    link.before = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.after = link
    this.#last = link
    this.#size++
  }

  /** Takes one out. False: it is in no chain. */
  delete(link: Link<T>): boolean {
    if (!link.isIn) return false
    const { before, after } = link
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    link.before = undefined
    link.after = undefined
    link.isIn = false
    this.#size--
    return true
  }

  /** All that are in it now, from the first. */
  get all(): T[] {
    const all: T[] = []
    for (let link = this.#first; link !== undefined; link = link.after) all.push(link.of)
    return all
  }

  /** The first that is so. */
  find(holds: (one: T) => boolean): T | undefined {
    let link = this.#first
    while (link !== undefined && !holds(link.of)) link = link.after
    return link?.of
  }

  /** The last of them that are so, in their order. */
  lastThat(holds: (one: T) => boolean): T[] {
    const found: T[] = []
    for (let link = this.#last; link !== undefined && holds(link.of); link = link.before) found.push(link.of)
    return found.reverse()
  }
}
