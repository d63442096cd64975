import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { node } from '../targets/node.ts'
import { beside } from './clients/ends.ts'
import { call, say, url } from './clients/http.ts'
import { needSlowhttptest, slowhttptest } from './clients/slowhttptest.ts'
import { Framed } from './clients/websocket.ts'
import { freshRoom, Gateway } from './suite.ts'

/** Seconds that a request may take to come. */
const TIMEOUT = 3
/** Seconds that the attack goes on if nobody ends it. */
const LONGEST = 15

// Node alone: workerd is never reached but through the platform's own front, which has read a request before it hands it on.
const gateway = new Gateway(node)
beforeAll(async () => {
  needSlowhttptest()
  await gateway.start({ env: { HOLDLINE_REQUEST_TIMEOUT: `${TIMEOUT}` } })
}, 180_000)
afterAll(() => gateway.stop())

describe('slowloris, by slowhttptest, on node', () => {
  const ways: [string, string[]][] = [
    ['headers', ['-H', '-t', 'GET']],
    ['a body', ['-B', '-t', 'POST', '-s', '8192']],
  ]
  // Beside each other, since what takes long is the waiting for an end.
  for (const [what, mode] of ways) {
    test.concurrent(
      `LIMIT-5 ${what} that drips is closed in time, and others are answered meanwhile`,
      beside(async () => {
        const room = freshRoom()
        const target = url(gateway.url, room, '/messages')
        const client = await Framed.open(gateway.url, room)
        let isOver = false
        const attack = slowhttptest(
          ...mode,
          '-u',
          target,
          '-c',
          '300',
          '-r',
          '300',
          '-i',
          '1',
          '-x',
          '8',
          '-l',
          `${LONGEST}`,
          '-p',
          '10',
        )
        attack.finally(() => {
          isOver = true
        })
        let count = 0
        while (!isOver) {
          await say(gateway.url, room, ++count)
          expect((await client.next()).data).toBe(count)
          expect((await call(`${gateway.url}/healthz`)).http).toBe(200)
        }
        const report = await attack
        expect(count).toBeGreaterThan(0)
        expect(report).toMatch(/Exit status:\s+No open connections left/)
        expect(report).not.toMatch(/service available:\s+NO/)
        // They were open until their time was over, and not until the attack would have ended by itself.
        const seconds = Number(/Test ended on (\d+)th second/.exec(report)?.[1])
        expect(seconds).toBeGreaterThanOrEqual(TIMEOUT - 1)
        expect(seconds).toBeLessThan(LONGEST)
        await client.close()
      }),
    )
  }
})
