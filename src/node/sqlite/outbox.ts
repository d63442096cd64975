import { DEAD_MOST, type DeadLetter, type OutboxChange, type OutboxRow } from '../../protocol/webhook.ts'
import { upTo } from '../../room/log/outbox.ts'
import type { Queries, Write } from './statements.ts'

interface StoredRow extends Omit<OutboxRow, 'retry'> {
  readonly retry: string | null
}

/** What a room has to tell, the oldest first. */
export function* untoldRows(sql: Queries, room: number): Generator<OutboxRow> {
  for (const row of sql.untold.iterate(room) as Iterable<unknown>) {
    const { retry, ...rest } = row as StoredRow
    yield { ...rest, retry: retry === null ? null : JSON.parse(retry) }
  }
}

export const untold = (sql: Queries, room: number, events: number): OutboxRow[] => upTo(events, untoldRows(sql, room))

export const deadLetters = (sql: Queries, room: number, after: string, limit: number): DeadLetter[] =>
  sql.dead.all(room, after, limit) as unknown as DeadLetter[]

export const told = (room: number, rows: readonly OutboxRow[]): Write[] =>
  rows.map(({ key, time, count, events }) => ['addUntold', room, key, time, count, events])

export function outboxChanged(room: number, { sent = [], retry, bury, resend = [] }: OutboxChange): Write[] {
  const { keys = [], reason = '', at = 0 } = bury ?? {}
  return [
    ...sent.map((key): Write => ['dropUntold', room, key]),
    ...(retry === undefined ? [] : [['retryUntold', JSON.stringify(retry.retry), room, retry.key] as const]),
    ...keys.flatMap((key): Write[] => [
      ['bury', reason, at, room, key],
      ['dropUntold', room, key],
    ]),
    ...(keys.length > 0 ? [['trimDead', room, room, DEAD_MOST] as const] : []),
    ...resend.flatMap((key): Write[] => [
      ['resend', room, key],
      ['dropDead', room, key],
    ]),
  ]
}
