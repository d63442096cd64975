import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, transform } from 'esbuild'

const PARTS = /(<style>)([\s\S]*?)(<\/style>)|(<script type="module">)([\s\S]*?)(<\/script>)/g

/** A page without what only its authors read: a third of the pages' part of a worker. */
export async function minified(html: string): Promise<string> {
  let whole = ''
  let from = 0
  for (const { 0: part, 1: style, 2: css, 5: js, index } of html.matchAll(PARTS)) {
    const [open, close] = style === undefined ? ['<script type="module">', '</script>'] : [style, '</style>']
    const { code } = await transform(css ?? js ?? '', { loader: style ? 'css' : 'js', minify: true, target: 'es2024' })
    whole += `${dense(html.slice(from, index))}${open}${code.trim()}${close}`
    from = index + part.length
  }
  return whole + dense(html.slice(from))
}

/** No page has text in which a line's indentation means something. */
const dense = (html: string): string => html.replace(/\n\s*/g, '\n')

/** Lets a bundle have the pages as text. */
export const pages: Plugin = {
  name: 'pages',
  setup({ onLoad }) {
    onLoad({ filter: /\.html$/ }, async ({ path }) => ({
      contents: await minified(readFileSync(path, 'utf8')),
      loader: 'text',
    }))
  },
}

/** `npm run build`: the pages of a folder, in place. */
if (import.meta.main) {
  const folder = process.argv[2] as string
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    writeFileSync(file, await minified(readFileSync(file, 'utf8')))
  }
}
