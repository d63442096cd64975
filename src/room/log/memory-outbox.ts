import { DEAD_MOST, type DeadLetter, type OutboxChange, type OutboxRow } from '../../protocol/webhook.ts'
import { upTo } from './outbox.ts'

/** The reference for what every log must do with what it has to tell. */
export class MemoryOutbox {
  readonly #rows = new Map<string, OutboxRow>()
  readonly #dead = new Map<string, OutboxRow & DeadLetter>()

  get waiting(): number {
    return [...this.#rows.values()].reduce((sum, { count }) => sum + count, 0)
  }

  add(rows: readonly OutboxRow[]): void {
    for (const row of rows) this.#rows.set(row.key, row)
  }

  untold(events: number): OutboxRow[] {
    return upTo(events, inOrder(this.#rows))
  }

  letters(after: string, limit: number): DeadLetter[] {
    return inOrder(this.#dead)
      .filter(({ key }) => key > after)
      .slice(0, limit)
      .map(({ key, count, events, reason, died }) => ({ key, count, events, reason, died }))
  }

  change({ sent = [], retry, bury, resend = [] }: OutboxChange): void {
    for (const key of sent) this.#rows.delete(key)
    const failed = retry && this.#rows.get(retry.key)
    if (failed) this.#rows.set(failed.key, { ...failed, retry: retry.retry })
    for (const key of bury?.keys ?? []) {
      const row = this.#rows.get(key)
      if (row === undefined || bury === undefined) continue
      this.#rows.delete(key)
      this.#dead.set(key, { ...row, retry: null, reason: bury.reason, died: bury.at })
    }
    for (const { key } of inOrder(this.#dead).slice(0, -DEAD_MOST)) this.#dead.delete(key)
    for (const key of resend) {
      const row = this.#dead.get(key)
      if (row === undefined) continue
      this.#dead.delete(key)
      const { time, count, events } = row
      this.#rows.set(key, { key, time, count, events, retry: null })
    }
  }
}

const inOrder = <Row extends { key: string }>(rows: ReadonlyMap<string, Row>): Row[] =>
  [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
