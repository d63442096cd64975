import { expect, it } from 'vitest'
import type { HoldlineError } from '../../../src/client/errors.ts'
import { Outbox } from '../../../src/client/outbox.ts'

const said: string[] = []

function item(fields: string, { room = 'r', isEphemeral = false } = {}) {
  const done = (error: HoldlineError | undefined) => said.push(`${fields} ${error?.code ?? 'ok'}`)
  return { op: 'publish', room, fields, isEphemeral, done } as const
}

const all = () => true
const fieldsOf = (lot: [number, { fields: string }][]) => lot.map(([, { fields }]) => fields).join('')

it('has one lot under way at a time, and nothing is out of order when some of it is sent again', () => {
  const outbox = new Outbox(10)
  for (const each of 'abcd') outbox.add(item(each))
  const lot = outbox.take(all)
  expect(fieldsOf(lot)).toBe('abcd')
  outbox.add(item('e'))
  expect(outbox.take(all)).toEqual([])
  const [a, b, c, d] = lot.map(([ref]) => ref) as [number, number, number, number]
  outbox.answered(a)
  for (const ref of [d, b, c]) outbox.postpone(ref, { code: 'busy' } as HoldlineError)
  expect(fieldsOf(outbox.take(all))).toBe('bcde')
  outbox.lost()
  expect(fieldsOf(outbox.take(all))).toBe('bcde')
  expect(said.splice(0)).toEqual(['a ok'])
})

it('takes no more than may wait, and says so', () => {
  const outbox = new Outbox(2)
  for (const each of 'abc') outbox.add(item(each))
  expect(said.splice(0)).toEqual(['c queue_full'])
})

it('cuts lots by size, but not a single one', () => {
  const outbox = new Outbox(1000)
  outbox.add(item('x'.repeat(100_000)))
  for (let i = 0; i < 500; i++) outbox.add(item('y'))
  const [[ref]] = outbox.take(all) as [[number, unknown]]
  outbox.answered(ref)
  expect(outbox.take(all).length).toBeLessThanOrEqual(256)
  outbox.lost()
  expect(outbox.take(all, 0).length).toBe(1)
  expect(said.splice(0).length).toBe(1)
})

it('passes over rooms that are not ready, and gives up one room alone', () => {
  const outbox = new Outbox(10)
  outbox.add(item('a', { room: 'one' }))
  outbox.add(item('b', { room: 'other' }))
  expect(fieldsOf(outbox.take((room) => room === 'other'))).toBe('b')
  outbox.lost('one')
  expect(outbox.take(all)).toEqual([])
  outbox.lost('other')
  outbox.fail({ code: 'closed' } as HoldlineError, 'one')
  expect(said.splice(0)).toEqual(['a closed'])
  expect(fieldsOf(outbox.take(all))).toBe('b')
  outbox.failFlying({ code: 'too_large' } as HoldlineError)
  expect(said.splice(0)).toEqual(['b too_large'])
})

it('sends nothing ephemeral twice', () => {
  const outbox = new Outbox(10)
  outbox.add(item('a', { isEphemeral: true }))
  outbox.take(all)
  outbox.lost()
  expect(said.splice(0)).toEqual(['a unanswered'])
  expect(outbox.take(all)).toEqual([])
})
