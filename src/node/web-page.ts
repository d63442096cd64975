import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { PageName } from '../gateway/ports.ts'

const pages = new Map<PageName, Promise<string>>()

/** A page, read when it is first asked for, since a start should not wait for it. */
export function webPage(name: PageName): Promise<string> {
  const page = pages.get(name) ?? read(name)
  pages.set(name, page)
  return page
}

/** In the package they are made already; from source each is made on the way, of what it imports. */
async function read(name: PageName): Promise<string> {
  const at = (folder: string) => fileURLToPath(new URL(`../${folder}/${name}.html`, import.meta.url))
  if (!import.meta.filename.endsWith('.ts')) return readFile(at('pages'), 'utf8')
  const { bundled } = await import('../web/bundle.ts')
  return bundled(at('web'))
}
