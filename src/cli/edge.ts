import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

export interface EdgeOptions {
  /** The worker's source. Default: the one of wrangler.toml. */
  readonly entry?: string
  /** Default 8787; 0 picks a free one. */
  readonly port?: number
  /** The folder that keeps the objects' storage. Default: none, and it is gone when the process ends. */
  readonly data?: string
  /** Variables of the worker, as `[vars]` in wrangler.toml. */
  readonly vars?: Readonly<Record<string, string>>
}

export interface Edge {
  readonly url: string
  readonly mf: Miniflare
  stop(): Promise<void>
}

/** Runs the worker on local workerd, as wrangler.toml describes it. */
export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  const { entry, port = 8787, data, vars = {} } = options
  const { main, workerOptions } = unstable_getMiniflareWorkerOptions('wrangler.toml')
  // wrangler describes a worker as miniflare 4 did; miniflare 5 converts (2026-11).
  const options4 = {
    ...workerOptions,
    name: 'holdline',
    modules: [{ type: 'ESModule', path: 'worker.js', contents: await bundle(entry ?? (main as string)) }],
    // Without keys it is open, and to this machine alone.
    bindings: { HOLDLINE_OPEN: 'loopback', ...(workerOptions.bindings as object | undefined), ...vars },
    host: '127.0.0.1',
    port,
  } as V4MiniflareOptions
  const mf = new Miniflare({
    ...convertV4MiniflareOptions(options4),
    ...(data !== undefined && { resourcePersistencePath: data }),
  })
  const url = (await mf.ready).href.replace(/\/$/, '')
  return { url, mf, stop: () => mf.dispose() }
}

/** The one file that is deployed. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*'],
    loader: { '.html': 'text' },
    conditions: ['workerd', 'worker', 'browser'],
    minify: true,
    keepNames: true,
  })
  return outputFiles[0]?.text as string
}

if (import.meta.main) {
  const { PORT, HOLDLINE_DATA: data } = process.env
  const own = Object.entries(process.env).filter(([name, value]) => /^HOLDLINE_(?!DATA$)/.test(name) && value)
  const vars = Object.fromEntries(own)
  startEdge({
    port: Number(PORT ?? 8787),
    ...(data !== undefined && data !== '' && { data }),
    vars: vars as Record<string, string>,
  }).then(
    ({ url, stop }) => {
      console.log(`Holdline on workerd listens on ${url}\nOpen ${url}/ in two browser tabs and chat.`)
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => stop().then(() => process.exit(0)))
    },
    (error: Error) => {
      console.error(`Holdline did not start: ${error.message}`)
      process.exitCode = 1
    },
  )
}
