import { expect, it } from 'vitest'
import { formatCursor, type Position, START } from '../../../src/protocol/cursor.ts'
import { jsonBody } from '../../../src/protocol/data.ts'
import { planHistory, toHistoryPage } from '../../../src/room/history.ts'
import { MemoryLog } from '../../../src/room/log/memory.ts'

it('HIST-4, KEEP-1 what is pruned between the question and the answer is said, and only if it was asked for', () => {
  const log = new MemoryLog('test00', { count: 3, age: 1e9 })
  const says = (data: number) =>
    log.append([{ drafts: [{ id: 'id', body: jsonBody(`${data}`, 99) }] }], data).entries[0]?.position as Position
  const [first] = [says(1), says(2), says(3)]
  const { head } = log.load()
  const plans = { after: planHistory(head, { after: first, limit: 9 }, 9), newest: planHistory(head, { limit: 9 }, 9) }
  for (const data of [4, 5, 6]) says(data)
  const replyTo = { ticket: 1 }
  const answer = ({ scan, gap }: (typeof plans)['after']) =>
    toHistoryPage(log.load().head, { reader: {}, replyTo, ...(gap && { gap }) }, log.read(scan))
  const floor = formatCursor(log.load().head.floor)
  expect(answer(plans.after).gap).toEqual({ after: formatCursor(first), before: floor, reason: 'retention' })
  expect(answer(plans.newest).gap).toBeUndefined()
  expect(answer(plans.newest).prev).toBeNull()
  expect(answer(planHistory(head, { after: START, limit: 9 }, 9)).gap).toMatchObject({ after: '0-0', before: floor })
})
