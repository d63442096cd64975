import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../targets/target.ts'

export interface Snippet {
  /** Such as `docs/client.md`. */
  readonly page: string
  readonly line: number
  /** Empty where the fence names none. */
  readonly language: string
  readonly code: string
}

/** The pages that users read. */
export const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root }).sort()]

export const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** What readers copy: every fenced block, also one that is indented or names no language. */
export const snippets: readonly Snippet[] = pages.flatMap((page) => {
  const found: Snippet[] = []
  let open: { line: number; fence: string; language: string; code: string[] } | undefined
  for (const [index, text] of textOf(page).split('\n').entries()) {
    const [, fence = '', language = ''] = /^\s*(`{3,}|~{3,})\s*(\S*)/.exec(text) ?? []
    if (open === undefined) {
      if (fence !== '') open = { line: index + 1, fence, language, code: [] }
    } else if (fence !== open.fence) open.code.push(`${text}\n`)
    else {
      found.push({ page, line: open.line, language: open.language, code: open.code.join('') })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: a block that does not end`)
  return found
})

/** The one block of a page in a language. @throws if there are more or fewer */
export function theOnly(page: string, language: string): string {
  const [one, ...more] = snippets.filter((snippet) => snippet.page === page && snippet.language === language)
  if (one === undefined || more.length > 0) throw new Error(`${page} has not one block in ${language}`)
  return one.code
}
