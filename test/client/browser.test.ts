import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../browser/launch.ts'
import { beside } from '../conformance/clients/ends.ts'
import { chapter, freshRoom, range } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { seed } from '../soak/seed.ts'
import { openSdk, readIn } from './browser.ts'
import { paths, walk } from './paths.ts'

declare const holdline: typeof import('./reading.ts')

const MESSAGES = 60
/** The others are the same to a browser but for what its own WebSocket and fetch make of them. */
const PATHS = [
  'where handshakes hang and streams are held back',
  'where WebSockets are black-holed after the handshake',
  'by SSE, cut at random',
]

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

chapter('the client SDK in Chromium', (gateway) => {
  let page: Page
  beforeAll(async () => {
    page = await browser.newPage()
    await openSdk(page, gateway.url)
  })
  afterAll(() => page?.close())

  test.concurrent.for(PATHS)(
    `%s ${MESSAGES} messages come once, in order, to one session (seed ${seed})`,
    (name, context) =>
      beside(async () => {
        const path = paths[name]
        if (path === undefined) throw new Error(`no path ${name}`)
        const { transports } = await walk(gateway.url, path, MESSAGES, new Random(seed).fork(name), readIn(page))
        expect(transports.split(' → ').at(-1)).toBe(path.ends)
      })(context),
  )

  test.each(['websocket', 'sse', 'poll'] as const)(
    'publishes over %s, each acknowledged, in order',
    async (transport) => {
      const task = { url: gateway.url, room: freshRoom(), count: 30, transports: [transport] }
      const { acks, said } = await page.evaluate((given) => holdline.say(given), task)
      expect(new Set(acks.map(({ cursor }) => cursor)).size).toBe(30)
      expect(said).toEqual(range(30).map((data) => ({ data, isOwn: true })))
    },
  )

  test('what is said offline waits, and goes as soon as the browser is online again', async () => {
    const task = { url: gateway.url, room: freshRoom(), count: 5 }
    await page.context().setOffline(true)
    const saying = page.evaluate((given) => holdline.say(given), task)
    await page.waitForFunction('!navigator.onLine')
    await page.context().setOffline(false)
    expect((await saying).said.map(({ data }) => data)).toEqual(range(5))
  })
})
