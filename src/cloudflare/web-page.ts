import type { Page } from '../gateway/ports.ts'
import { Refusal } from '../protocol/errors.ts'

/** Asked for once in an isolate: a deploy has isolates of its own. */
const pages = new Map<Page, string>()

/** @throws Refusal `not_found` */
export async function webPage(assets: Fetcher | undefined, name: Page): Promise<string> {
  const known = pages.get(name)
  if (known !== undefined) return known
  // The host is nobody's: a binding looks at the path alone.
  const response = await assets?.fetch(`https://pages/${name}`)
  if (!response?.ok) throw new Refusal('not_found', 'This worker has no pages: bind their folder as PAGES')
  const page = await response.text()
  pages.set(name, page)
  return page
}
