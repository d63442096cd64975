// partyserver on the same workerd as Holdline.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('party.worker.js', import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2024',
  external: ['cloudflare:*'],
  conditions: ['workerd', 'worker', 'browser'],
})
const mf = new Miniflare(
  convertV4MiniflareOptions({
    name: 'party',
    modules: [{ type: 'ESModule', path: 'worker.js', contents: outputFiles[0].text }],
    compatibilityDate: '2026-11-01',
    durableObjects: { Main: { className: 'Main', useSQLite: true } },
    // As Holdline's: without the worker of miniflare's that no deployment has.
    unsafeDirectSockets: [{ host: '127.0.0.1', port: Number(process.env.PORT ?? 0) }],
  }),
)
console.log(`partyserver on workerd: ${(await mf.unsafeGetDirectURL('party')).href.replace(/\/$/, '')}`)
process.on('SIGTERM', () => mf.dispose().then(() => process.exit()))
