import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { targets } from '../targets/index.ts'
import { beside } from './clients/ends.ts'
import { Stream } from './clients/sse.ts'
import { freshRoom, Gateway } from './suite.ts'

// Concurrent, so that both runtimes are waited for at once: what the rule promises is a time, and no test can shorten it.
describe.concurrent.each(targets)('silence on $name', { timeout: 30_000 }, (target) => {
  const gateway = new Gateway(target)
  beforeAll(() => gateway.start())
  afterAll(() => gateway.stop())

  test(
    'SSE-4 a comment comes after 15 seconds of silence',
    beside(async () => {
      const stream = await Stream.open(gateway.url, freshRoom())
      await stream.blocks.until(({ event }) => event === 'welcome')
      const start = Date.now()
      const block = await stream.blocks.next(20_000)
      expect(Object.keys(block)).toEqual(['comment'])
      expect(Date.now() - start).toBeGreaterThan(12_000)
    }),
  )
})
