import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { node } from '../targets/node.ts'
import { root } from '../targets/target.ts'
import { launchBrowser } from './launch.ts'

export const THEMES = ['light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** Where the README shows it. */
export const pictureFile = (name: `chat-${Theme}` | 'inspector'): string => join(root, `docs/img/${name}.png`)

const HALF = { width: 640, height: 500 }

/** Two people in one room, one on WebSocket and one on long-poll, beside each other. `url`: a gateway's. */
export async function takePicture(browser: Browser, url: string, theme: Theme): Promise<Buffer> {
  const context = await browser.newContext({ viewport: HALF, colorScheme: theme })
  try {
    // A room for each, so that one gateway serves both.
    const room = theme === 'light' ? 'train' : 'tram'
    const open = async (name: string, transport: string): Promise<Page> => {
      const page = await context.newPage()
      await page.goto(`${url}/?${new URLSearchParams({ room, transport })}`)
      await page.locator('body[data-state=open]').waitFor()
      await page.locator('#name').fill(name)
      return page
    }
    const [ada, ben] = [await open('Ada', 'websocket'), await open('Ben', 'poll')]
    const lines: [Page, string][] = [
      [ada, 'The train leaves at 9:40.'],
      [ben, 'In the tunnel, only long-poll gets through.'],
      [ada, 'You have not missed anything?'],
      [ben, 'Not a message.'],
    ]
    for (const [index, [page, text]] of lines.entries()) {
      await page.locator('#text').fill(text)
      await page.locator('#text').press('Enter')
      for (const each of [ada, ben]) await each.locator('.message[data-cursor]').nth(index).waitFor()
    }
    const halves = []
    for (const page of [ada, ben]) {
      // A cursor that blinks would be in one picture and not in the next.
      await page.bringToFront()
      await page.evaluate('document.activeElement?.blur()')
      halves.push((await page.screenshot()).toString('base64'))
    }
    const both = await context.newPage()
    await both.setViewportSize({ width: 2 * HALF.width + 2, height: HALF.height })
    const images = halves.map((half) => `<img src="data:image/png;base64,${half}">`).join('')
    await both.setContent(`<body style="margin:0;display:flex;gap:2px;background:#888">${images}`)
    return await both.screenshot()
  } finally {
    await context.close()
  }
}

/** An operator looks at a room with some traffic. `url`: a gateway's. */
export async function takeInspector(browser: Browser, url: string): Promise<Buffer> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' })
  const room = `${url}/v1/rooms/orders`
  const readers = Array.from({ length: 4 }, () => new WebSocket(`${room.replace('http', 'ws')}/ws?presence=1`))
  try {
    const page = await context.newPage()
    // Two seconds between two looks would be as long in the test.
    await page.clock.install({ time: new Date('2026-11-25T09:40:00') })
    await page.goto(`${url}/inspect#orders`)
    await page.locator('#tail-note', { hasText: 'following' }).waitFor()
    for (const count of [8, 14, 11, 22, 30, 18, 12, 24, 9]) {
      const said = Array.from({ length: count }, (_, n) =>
        fetch(`${room}/messages`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ data: { order: 4711 + n, state: 'paid' } }),
        }),
      )
      await Promise.all(said)
      const looked = page.waitForResponse((response) => response.url().includes('/sessions'))
      await page.clock.runFor(2100)
      await looked
    }
    await page.locator('#tail .body').first().waitFor()
    return await page.screenshot()
  } finally {
    for (const reader of readers) reader.close()
    await context.close()
  }
}

/** `npm run pictures` */
if (import.meta.main) {
  const [gateway, browser] = [await node.start(), await launchBrowser()]
  mkdirSync(join(root, 'docs/img'), { recursive: true })
  for (const theme of THEMES)
    writeFileSync(pictureFile(`chat-${theme}`), await takePicture(browser, gateway.url, theme))
  writeFileSync(pictureFile('inspector'), await takeInspector(browser, gateway.url))
  await browser.close()
  await gateway.stop()
}
