import { mkdirSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'
import { writePages } from '../web/bundle.ts'

/** What is deployed if nobody says otherwise. */
export const WORKER = 'src/cloudflare/worker.ts'

const bundles = new Map<string, Promise<string>>()

/** A worker as the one file that is deployed. Made once in a process, whatever becomes of its sources. */
export function bundle(entry: string): Promise<string> {
  const made = bundles.get(entry) ?? bundled(entry)
  bundles.set(entry, made)
  return made
}

async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*'],
    conditions: ['workerd', 'worker', 'browser'],
    minify: true,
  })
  return outputFiles[0]?.text as string
}

/** `npm run worker`: what wrangler.toml names. */
if (import.meta.main) {
  mkdirSync('dist/edge', { recursive: true })
  writeFileSync('dist/edge/worker.js', await bundle(process.argv[2] ?? WORKER))
  writePages('dist/pages')
}
