import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { documentText } from '../gateway/openapi/document.ts'
import { PAGES } from '../gateway/ports.ts'

const PARTS = /(<style>)([\s\S]*?)<\/style>|(<script type="module">)([\s\S]*?)<\/script>/g

/** So that a page says what an application would say. */
const ALIAS = { 'holdline/client': fileURLToPath(new URL('../client/index.ts', import.meta.url)) }

/** A page of one file, with all that it imports, and without what only its authors read: a third of it. */
function bundled(file: string): string {
  const html = readFileSync(file, 'utf8')
  let page = ''
  let from = 0
  for (const { 0: part, 1: style, 2: css = '', 3: script = '', 4: js = '', index } of html.matchAll(PARTS)) {
    const inside = style === undefined ? made(js, 'js', dirname(file)) : made(css, 'css', dirname(file))
    page += `${dense(html.slice(from, index))}${style ?? script}${inside}</${style === undefined ? 'script' : 'style'}>`
    from = index + part.length
  }
  return page + dense(html.slice(from))
}

/** No page has text in which a line's indentation means something. */
const dense = (html: string): string => html.replace(/\n\s*/g, '\n')

/** Not waited for, or the bundler would stay beside a gateway that runs from source, as a process of its own. */
function made(contents: string, loader: 'css' | 'js', resolveDir: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir, loader },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    alias: ALIAS,
    minify: true,
  })
  return `${outputFiles[0]?.text.trim()}`
}

export const pageText = (name: string): string =>
  name === 'openapi.json' ? documentText() : bundled(join(import.meta.dirname, name))

/** All of them, into a folder. */
export function writePages(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of PAGES) writeFileSync(join(folder, name), pageText(name))
}

/** `npm run build` */
if (import.meta.main) writePages(process.argv[2] as string)
