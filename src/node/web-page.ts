import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from '../gateway/ports.ts'

const pages = new Map<Page, Promise<string>>()

/** A page, read when it is first asked for, since a start should not wait for it. */
export function webPage(name: Page): Promise<string> {
  const known = pages.get(name)
  if (known !== undefined) return known
  const page = read(name)
  pages.set(name, page)
  // One that could not be read is read again for the next who asks.
  page.catch(() => pages.delete(name))
  return page
}

/** In the package they are made already; from source each is made on the way, of what it imports. */
async function read(name: Page): Promise<string> {
  // Which needs no bundler: that is there for developers alone.
  if (name === 'openapi.json') return (await import('../gateway/openapi/document.ts')).documentText()
  if (!import.meta.filename.endsWith('.ts')) {
    return readFile(fileURLToPath(new URL(`../pages/${name}`, import.meta.url)), 'utf8')
  }
  const { pageText } = await import('../web/bundle.ts')
  return pageText(name)
}
