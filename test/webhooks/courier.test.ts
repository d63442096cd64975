import { expect, it } from 'vitest'
import type { OutboxRow } from '../../src/protocol/webhook.ts'
import { MemoryOutbox } from '../../src/room/log/memory-outbox.ts'
import { DAY } from '../../src/webhooks/backoff.ts'
import { Courier } from '../../src/webhooks/courier.ts'
import type { Answer } from '../../src/webhooks/target.ts'

const TAKEN: Answer = { isTaken: true, why: '' }
const FAILED: Answer = { isTaken: false, why: 'it answered 500' }

/** A courier in a world whose clock stands until it is moved. */
class Post {
  readonly outbox = new MemoryOutbox()
  readonly sent: { at: number; keys: string[] }[] = []
  readonly lines: string[] = []
  now = 1_700_000_000_000
  at: number | null = null
  answer: (rows: readonly OutboxRow[]) => Answer = () => TAKEN
  isWritable = true
  readonly courier: Courier
  #keys = 0

  constructor(waiting = 1000, random = 1) {
    this.courier = new Courier(
      {
        room: 'lobby',
        waiting,
        oldest: (events) => this.outbox.untold(events),
        commit: async (change) => {
          if (this.isWritable) this.outbox.change(change)
          return this.isWritable
        },
        send: async (rows) => {
          this.sent.push({ at: this.now, keys: rows.map(({ key }) => key) })
          return this.answer(rows)
        },
        wakeAt: (time) => {
          this.at = time
        },
        now: () => this.now,
        random: () => random,
        tell: (_level, what) => this.lines.push(what),
        buried: () => {},
      },
      0,
    )
  }

  tells(rows: number, count = 1): void {
    for (let i = 0; i < rows; i++) {
      const key = String(++this.#keys).padStart(6, '0')
      this.outbox.add([{ key, time: this.now, count, events: '{}', retry: null }])
      this.courier.added(count)
    }
  }

  /** Runs whenever it wants to be woken, for so long (ms). */
  async passes(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds
    await this.courier.run()
    while (this.at !== null && this.at <= end) {
      this.now = this.at
      this.at = null
      await this.courier.run()
    }
    this.now = end
  }
}

it('HOOK-2 takes as much as a request may carry, and then the rest', async () => {
  const post = new Post()
  post.tells(5, 40)
  await post.courier.run()
  expect(post.sent.map(({ keys }) => keys.length)).toEqual([2, 2, 1])
  expect(post.courier.idle).toBe(true)
  post.tells(1, 500)
  await post.courier.run()
  expect(post.sent.at(-1)?.keys).toHaveLength(1)
})

it('HOOK-7 tries again twice as late each time, up to 15 minutes, always the same batch', async () => {
  const post = new Post()
  post.answer = () => FAILED
  post.tells(3)
  await post.passes(1000)
  post.tells(3)
  await post.passes(3 * 3_600_000)
  const waits = post.sent.slice(1).map(({ at }, i) => (at - (post.sent[i]?.at ?? 0)) / 1000)
  expect(waits.slice(0, 12)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  expect(new Set(post.sent.map(({ keys }) => keys.join())).size).toBe(1)
  expect(post.lines).toHaveLength(1)
  post.answer = () => TAKEN
  await post.passes(900_000)
  expect(post.sent.slice(-2).map(({ keys }) => keys.join())).toEqual(['000001,000002,000003', '000004,000005,000006'])
})

it('HOOK-7 spreads what is tried again: no sooner than half, no later than the whole', async () => {
  for (const [random, wait] of [
    [0, 500],
    [1, 1000],
  ] as const) {
    const post = new Post(1000, random)
    post.answer = () => FAILED
    post.tells(1)
    await post.courier.run()
    expect((post.at ?? 0) - post.now).toBe(wait)
  }
})

it('HOOK-7 waits as long as the backend asks, but not for ever', async () => {
  const post = new Post()
  post.answer = () => ({ ...FAILED, retryAfter: 120 })
  post.tells(1)
  await post.courier.run()
  expect((post.at ?? 0) - post.now).toBe(120_000)
  post.answer = () => ({ ...FAILED, retryAfter: 1e9 })
  post.now = post.at ?? 0
  await post.courier.run()
  expect((post.at ?? 0) - post.now).toBe(3_600_000)
})

it('HOOK-8 gives up what nobody took for 24 hours, with all that waited as long, and goes on with the rest', async () => {
  const post = new Post()
  post.answer = () => FAILED
  post.tells(150)
  await post.passes(DAY - 3_600_000)
  post.tells(2)
  await post.passes(2 * 3_600_000)
  expect(post.outbox.letters('', 1000)).toHaveLength(150)
  expect(post.outbox.letters('', 1)[0]?.reason).toBe('not taken within 24 hours: it answered 500')
  expect(post.outbox.waiting).toBe(2)
  post.answer = () => TAKEN
  await post.passes(900_000)
  expect(post.outbox.waiting).toBe(0)
  expect(post.sent.length).toBeLessThan(130)
  post.outbox.change({ resend: ['000007'] })
  post.courier.added(1)
  await post.passes(1000)
  expect(post.sent.at(-1)?.keys).toEqual(['000007'])
  expect(post.outbox.letters('', 1000)).toHaveLength(149)
})

it('HOOK-8 lets no more wait than may: the oldest go, but not what is on its way', async () => {
  const post = new Post(100)
  post.answer = () => FAILED
  post.tells(100)
  await post.courier.run()
  post.tells(50)
  expect(post.outbox.waiting).toBe(100)
  expect(post.outbox.letters('', 1000)).toHaveLength(50)
  expect(post.outbox.letters('', 1)[0]?.reason).toBe('more than 100 waited')
  let finish: (answer: Answer) => void = () => {}
  const slow = new Post(10)
  slow.answer = () => TAKEN
  const waits = new Promise<Answer>((resolve) => {
    finish = resolve
  })
  slow.answer = () => waits as unknown as Answer
  slow.tells(2)
  const running = slow.courier.run()
  slow.tells(20)
  expect(slow.outbox.letters('', 100).map(({ key }) => Number(key))).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  slow.answer = () => TAKEN
  finish(TAKEN)
  await running
  expect(slow.outbox.waiting).toBe(0)
})

it('HOOK-7, HOOK-8 an outbox that runs over does not make it ask a dead backend more often', async () => {
  const post = new Post(5)
  post.answer = () => FAILED
  for (let hour = 0; hour < 4; hour++) {
    for (let minute = 0; minute < 60; minute++) {
      post.tells(2)
      await post.passes(60_000)
    }
  }
  expect(post.sent.length).toBeLessThan(30)
  expect(post.outbox.waiting).toBe(5)
  expect(post.outbox.untold(5).map(({ key }) => Number(key))).toEqual([476, 477, 478, 479, 480])
})

it('HOOK-3 delivers again what it could not write down as delivered', async () => {
  const post = new Post()
  post.isWritable = false
  post.tells(1)
  await post.courier.run()
  post.isWritable = true
  await post.passes(10_000)
  expect(post.sent.map(({ keys }) => keys)).toEqual([['000001'], ['000001']])
  expect(post.outbox.waiting).toBe(0)
})

it('lets others do something when there is much to tell', async () => {
  const post = new Post(1e6)
  post.tells(3000, 100)
  const { now } = post
  post.answer = () => {
    post.now += 100
    return TAKEN
  }
  await post.courier.run()
  expect(post.now - now).toBeLessThan(11_000)
  expect(post.at).not.toBeNull()
})
