import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { node } from '../targets/node.ts'
import { root } from '../targets/target.ts'
import { launchBrowser } from './launch.ts'

export const THEMES = ['light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** Where the README shows it. */
export const pictureFile = (theme: Theme): string => join(root, `docs/img/chat-${theme}.png`)

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

if (import.meta.main) {
  const [gateway, browser] = [await node.start(), await launchBrowser()]
  mkdirSync(join(root, 'docs/img'), { recursive: true })
  for (const theme of THEMES) writeFileSync(pictureFile(theme), await takePicture(browser, gateway.url, theme))
  await browser.close()
  await gateway.stop()
}
