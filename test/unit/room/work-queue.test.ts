import { expect, it } from 'vitest'
import { textBody } from '../../../src/protocol/data.ts'
import { WorkQueue } from '../../../src/room/work-queue.ts'

const work = (text: string, more: object = {}) => ({ drafts: [{ id: 'i', body: textBody(text, 1e6) }], ...more })

it('a turn takes by what goes over the wire, so that small messages are not cut short', () => {
  const queue = new WorkQueue()
  for (let i = 0; i < 1000; i++) queue.push(work('x'.repeat(128)), 0)
  // 300 bytes each on the wire: a turn of 32 KiB holds about a hundred of them.
  expect(queue.take(32 * 1024).length).toBeGreaterThan(90)
})

it('what waits is counted by what it takes up, also when it is empty', () => {
  const queue = new WorkQueue()
  for (let i = 0; i < 1000; i++) queue.push(work(''), 0)
  expect(queue.bytes).toBeGreaterThan(1000 * 1024)
  queue.take()
  expect(queue.bytes).toBe(0)
})

it('what belongs together is taken together', () => {
  const queue = new WorkQueue()
  queue.push(work('a'), 0)
  for (let i = 0; i < 9; i++) queue.push(work('b', { withPrevious: true }), 0)
  queue.push(work('c'), 0)
  expect(queue.take(1)).toHaveLength(10)
  queue.done()
  expect(queue.take(1)).toHaveLength(1)
})
