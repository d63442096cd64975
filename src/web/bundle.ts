import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'

const PARTS = /(<style>)([\s\S]*?)<\/style>|(<script type="module">)([\s\S]*?)<\/script>/g

/** So that a page says what an application would say. */
const ALIAS = { 'holdline/client': fileURLToPath(new URL('../client/index.ts', import.meta.url)) }

/**
 * A page of one file, with all that it imports, and without what only its authors read: a third of it. Made once in a
 * process, whatever becomes of its sources.
 */
export function bundled(file: string): Promise<string> {
  const made = pages.get(file) ?? whole(file)
  pages.set(file, made)
  return made
}

const pages = new Map<string, Promise<string>>()

async function whole(file: string): Promise<string> {
  const html = readFileSync(file, 'utf8')
  let page = ''
  let from = 0
  for (const { 0: part, 1: style, 2: css = '', 3: script = '', 4: js = '', index } of html.matchAll(PARTS)) {
    const inside = style === undefined ? await scriptOf(js, dirname(file)) : await styleOf(css)
    page += `${dense(html.slice(from, index))}${style ?? script}${inside}</${style === undefined ? 'script' : 'style'}>`
    from = index + part.length
  }
  return page + dense(html.slice(from))
}

/** No page has text in which a line's indentation means something. */
const dense = (html: string): string => html.replace(/\n\s*/g, '\n')

async function styleOf(css: string): Promise<string> {
  const { code } = await transform(css, { loader: 'css', minify: true })
  return code.trim()
}

async function scriptOf(contents: string, resolveDir: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    alias: ALIAS,
    minify: true,
  })
  return `${outputFiles[0]?.text.trim()}`
}

/** All of them, into a folder. */
export async function writePages(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(import.meta.dirname).filter((each) => each.endsWith('.html'))) {
    writeFileSync(join(folder, name), await bundled(join(import.meta.dirname, name)))
  }
}

/** `npm run build` */
if (import.meta.main) await writePages(process.argv[2] as string)
