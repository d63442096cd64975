import { offsetOf } from '../conformance/cursor.ts'

export interface Heard {
  readonly cursor: string
  readonly data: string
}

/** What publishers and readers of one room say, and what of it contradicts the promise. */
export class Ledger {
  readonly wrong: string[] = []
  readonly #sent = new Set<string>()
  readonly #acked = new Map<string, string>()
  readonly #at = new Map<string, string>()
  #whenAcked: { count: number; resolve: () => void } | undefined

  get acks(): number {
    return this.#acked.size
  }

  get sent(): number {
    return this.#sent.size
  }

  complain(what: string): void {
    if (this.wrong.length < 20) this.wrong.push(what)
  }

  /** A message is about to be published. What was never announced here must never be heard. */
  sending(data: string): void {
    this.#sent.add(data)
  }

  acked(data: string, cursor: string | undefined): void {
    const before = this.#acked.get(data)
    if (cursor === undefined) this.complain(`the ack of ${data} has no cursor`)
    else if (before !== undefined && before !== cursor)
      this.complain(`${data} was acknowledged at ${before}, then at ${cursor}`)
    else this.#acked.set(data, cursor)
    if (cursor !== undefined) this.#stands(data, cursor)
    if (this.#whenAcked && this.acks >= this.#whenAcked.count) this.#whenAcked.resolve()
  }

  /** Resolves when so many messages have been acknowledged. */
  ackedSoMany(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#whenAcked = { count, resolve }
      if (this.acks >= count) resolve()
    })
  }

  heard({ cursor, data }: Heard, who: string): void {
    if (!this.#sent.has(data)) this.complain(`${who} heard ${data} at ${cursor}, which nobody sent`)
    this.#stands(data, cursor)
  }

  /** The whole of a room's log against all that was promised of it. */
  audit(log: readonly Heard[]): void {
    const places = new Map<string, string>()
    let last: string | undefined
    for (const { data, cursor } of log) {
      const before = places.get(data)
      if (before !== undefined) this.complain(`${data} stands twice, at ${before} and at ${cursor}`)
      places.set(data, cursor)
      if (last !== undefined && !follows(last, cursor)) this.complain(`after ${last} comes ${cursor}`)
      last = cursor
    }
    for (const [data, cursor] of this.#acked) {
      const place = places.get(data)
      if (place !== cursor) this.complain(`${data} was acknowledged at ${cursor}, and stands at ${place ?? 'no place'}`)
    }
    this.#order(log)
  }

  #stands(data: string, cursor: string): void {
    const before = this.#at.get(cursor)
    if (before === undefined) this.#at.set(cursor, data)
    else if (before !== data) this.complain(`at ${cursor} stand both ${before} and ${data}`)
  }

  /** Each publisher numbers its messages. */
  #order(log: readonly Heard[]): void {
    const last = new Map<string, number>()
    for (const { data } of log) {
      const [publisher = '', number] = data.split(' ')
      const before = last.get(publisher) ?? -1
      if (Number(number) <= before) this.complain(`${data} stands after ${publisher} ${before}`)
      last.set(publisher, Number(number))
    }
  }
}

/** CUR-3: the next offset of the epoch, or the first of a later one. */
function follows(before: string, after: string): boolean {
  const isSameEpoch = before.split('-')[0] === after.split('-')[0]
  return after > before && offsetOf(after) === (isSameEpoch ? offsetOf(before) + 1 : 1)
}
