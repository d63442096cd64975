import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import type { Task, Told } from './reading.ts'

/** What `reading.ts` exports, in a page. */
declare const holdline: typeof import('./reading.ts')

/** Brings the SDK into a page of a gateway's, bundled as an application would bundle it. */
export async function openSdk(page: Page, gateway: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, 'reading.ts')],
    bundle: true,
    format: 'iife',
    globalName: 'holdline',
    target: 'es2022',
    write: false,
  })
  await page.goto(`${gateway}/healthz`)
  await page.addScriptTag({ content: `${outputFiles[0]?.text}` })
}

export const readIn =
  (page: Page) =>
  (task: Task): Promise<Told> =>
    page.evaluate((given) => holdline.read(given), task)
