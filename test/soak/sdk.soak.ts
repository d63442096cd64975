import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser } from '../browser/launch.ts'
import { openSdk, readIn } from '../client/browser.ts'
import { Meddler } from '../client/meddler.ts'
import { paths, walk } from '../client/paths.ts'
import { read, type Task, type Told } from '../client/reading.ts'
import { postJson } from '../conformance/clients/http.ts'
import { chapter, freshRoom, freshSecret } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { announce, seed } from './seed.ts'

announce('sdk')
const MESSAGES = 10_000
const TRANSPORTS = ['websocket', 'sse', 'poll'] as const

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

chapter('the client SDK', (gateway) => {
  let page: Page
  beforeAll(async () => {
    page = await browser.newPage()
    await openSdk(page, gateway.url)
  })
  const readers: Record<string, (task: Task) => Promise<Told>> = { Node: read, Chromium: (task) => readIn(page)(task) }

  describe.each(Object.entries(readers))('in %s', (where, reader) => {
    test.each(Object.entries(paths))(
      `%s ${MESSAGES} messages come once, in order, to one session (seed ${seed})`,
      async (name, path) => {
        const { transports, seconds, done } = await walk(
          gateway.url,
          path,
          MESSAGES,
          new Random(seed).fork(name),
          reader,
        )
        expect(transports.split(' → ').at(-1)).toBe(path.ends)
        const faults = Object.entries(done).flatMap(([fault, times]) => (times > 0 ? [`${times} ${fault}`] : []))
        const survived = faults.length > 0 ? `, ${faults.join(', ')}` : ''
        console.log(
          `${gateway.target.name}, ${where}, ${name}: ${MESSAGES} in ${seconds.toFixed(1)} s by ${transports}${survived}; 0 lost, 0 repeated`,
        )
      },
    )

    test('the time to the first message, by transport, and when WebSockets are black-holed', async () => {
      const room = freshRoom()
      await postJson(gateway.url, room, { data: 'first' })
      const timing = { patience: 4000, answer: 10_000, climb: 5000 }
      const place = { room, count: 1, timing }
      for (const transport of TRANSPORTS) {
        const times: number[] = []
        for (let i = 0; i < 11; i++) {
          const task = { ...place, url: gateway.url, session: freshSecret(), transports: [transport] }
          times.push((await reader(task)).firstMessage)
        }
        const median = times.sort((a, b) => a - b)[5] ?? 0
        console.log(`${gateway.target.name}, ${where}: first message by ${transport} after ${median.toFixed(0)} ms`)
      }
      const meddler = await Meddler.start(gateway.url, { upgrades: 'swallow' }, new Random(seed))
      const { firstMessage, transports } = await reader({ ...place, url: meddler.url, session: freshSecret() })
      await meddler.stop()
      expect(transports).toEqual(['sse'])
      console.log(`${gateway.target.name}, ${where}: fell back from a black hole after ${firstMessage.toFixed(0)} ms`)
    })
  })
})
