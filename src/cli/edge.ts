import { convertV4MiniflareOptions, Miniflare, type Request, Response, type V4MiniflareOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { client } from '../settings/client.ts'
import { checkSettings, readSettings } from '../settings/read.ts'
import { pageText } from '../web/bundle.ts'
import { bundle, WORKER } from './bundle.ts'
import { fail, Misconfigured } from './fail.ts'

export interface EdgeOptions {
  /** The worker's source. Default: rooms that pass messages on. */
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

/**
 * workerd refuses names that resolve to private addresses unless it is told otherwise, as miniflare does for `fetch`
 * (https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp, `Network`, 2026-11).
 */
const PUBLIC = { network: { allow: ['public'], tlsOptions: { trustBrowserCas: true } } }

/** Without keys it is open, and to this machine alone. */
const OPEN = { HOLDLINE_OPEN: 'loopback' }

/** Runs a worker on local workerd, as wrangler.toml describes it and as it would be deployed. */
export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  const { entry = WORKER, port = 8787, data, vars = {} } = options
  const { assets: _, ...described } = unstable_getMiniflareWorkerOptions('wrangler.toml').workerOptions
  // As assets they would take two workers more, and 0.3 to 0.9 s of each start (2026-11).
  const pages = (request: Request) => new Response(pageText(new URL(request.url).pathname.slice(1)))
  // wrangler describes a worker as miniflare 4 did; miniflare 5 converts (2026-11).
  const options4 = {
    ...described,
    serviceBindings: { PAGES: pages, PUBLIC_NETWORK: PUBLIC },
    name: 'holdline',
    modules: [{ type: 'ESModule', path: 'worker.js', contents: await bundle(entry) }],
    bindings: { ...OPEN, ...(described.bindings as object | undefined), ...vars },
    // miniflare's own socket leads through a worker of miniflare's, which no deployment has: half the cost of a poll (2026-11).
    unsafeDirectSockets: [{ host: '127.0.0.1', port }],
  } as V4MiniflareOptions
  const mf = new Miniflare({
    ...convertV4MiniflareOptions(options4),
    ...(data !== undefined && { resourcePersistencePath: data }),
  })
  const url = await mf.unsafeGetDirectURL('holdline').catch(async (error: Error) => {
    // It would stay, and keep the process with it. That it never ran, it says once more.
    await mf.dispose().catch(() => {})
    throw new Error(`127.0.0.1:${port}: ${error.message}`)
  })
  return { url: url.href.replace(/\/$/, ''), mf, stop: () => mf.dispose() }
}

/** `npm run edge`: as much of the environment as the worker has settings, and where it listens and keeps what. */
async function main(): Promise<void> {
  const { PORT, HOLDLINE_DATA: data, ...rest } = process.env
  const ofClients = Object.values(client).map(({ name }): string => name)
  const own = Object.entries(rest).filter(
    ([name, value]) => name.startsWith('HOLDLINE_') && value && !ofClients.includes(name),
  )
  const vars = Object.fromEntries(own) as Record<string, string>
  const [here, worker] = [readSettings({ PORT }, 'node'), await checkSettings({ ...OPEN, ...vars }, 'edge')]
  if (here.wrong !== undefined || worker.wrong !== undefined) {
    throw new Misconfigured([...(here.wrong ?? []), ...(worker.wrong ?? [])])
  }
  const { url, stop } = await startEdge({ port: here.settings.server.port, ...(data && { data }), vars })
  console.log(`Holdline on workerd listens on ${url}\nOpen ${url}/ in two browser tabs and chat.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop().then(() => process.exit(0)))
}

if (import.meta.main) main().catch(fail)
