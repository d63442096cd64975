import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { node } from '../targets/node.ts'
import { shared } from '../targets/shared.ts'
import type { Running } from '../targets/target.ts'
import { launchBrowser } from './launch.ts'
import { pictureFile, THEMES, takeInspector, takePicture } from './picture.ts'

let browser: Browser
let gateway: Running
beforeAll(async () => {
  ;[browser, gateway] = [await launchBrowser(), await shared(node)]
})
afterAll(() => browser?.close())

/** How far apart two pictures are on average (0 to 255), seen from afar: fonts differ from machine to machine. */
async function distance(pictures: readonly Buffer[]): Promise<number> {
  const page = await browser.newPage()
  const urls = JSON.stringify(pictures.map((picture) => `data:image/png;base64,${picture.toString('base64')}`))
  const script = `Promise.all(${urls}.map(async (url) => {
    const image = new Image()
    image.src = url
    await image.decode()
    const context = new OffscreenCanvas(80, 25).getContext('2d')
    context.drawImage(image, 0, 0, 80, 25)
    return [...context.getImageData(0, 0, 80, 25).data]
  })).then(([a, b]) => a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length)`
  return page.evaluate<number>(script).finally(() => page.close())
}

const ANEW = 'take it anew: npm run pictures'

test.each(THEMES)('the %s picture in the README is what the page looks like', async (theme) => {
  const shown = readFileSync(pictureFile(`chat-${theme}`))
  expect(shown.length).toBeLessThan(150_000)
  const now = await takePicture(browser, gateway.url, theme)
  expect(await distance([shown, now]), ANEW).toBeLessThan(6)
  const other = readFileSync(pictureFile(theme === 'light' ? 'chat-dark' : 'chat-light'))
  expect(await distance([other, now])).toBeGreaterThan(20)
})

test('the picture of the inspector in the README is what it looks like', async () => {
  const shown = readFileSync(pictureFile('inspector'))
  expect(shown.length).toBeLessThan(150_000)
  expect(await distance([shown, await takeInspector(browser, gateway.url)]), ANEW).toBeLessThan(6)
})
