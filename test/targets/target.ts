import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'

/** A runtime that the suite can start, kill and, where it sleeps, put to sleep. */
export interface Target {
  name: 'node' | 'workerd'
  start(options?: StartOptions): Promise<Running>
}

/** Where the applications are that a target can run: each has a script for Node and a Worker. */
export const APPS = {
  default: { node: 'src/cli/start.ts', worker: 'src/cloudflare/worker.ts' },
  chat: { node: 'examples/chat/node.ts', worker: 'examples/chat/worker.ts' },
  'tic-tac-toe': { node: 'examples/tic-tac-toe/node.ts', worker: 'examples/tic-tac-toe/worker.ts' },
  faulty: { node: 'test/targets/faulty/node.ts', worker: 'test/targets/faulty/faulty.worker.ts' },
} as const

export interface StartOptions {
  app?: keyof typeof APPS
  /** The gateway's settings, such as HOLDLINE_MAX_PAYLOAD. */
  env?: Record<string, string>
  /** A folder for the rooms. Without it a new one, removed at the end. */
  data?: string
}

export interface Running {
  url: string
  stop(): Promise<void>
  /** The process dies without a word (SIGKILL) and stands again at the same url with the same data. */
  crash(): Promise<void>
  evict?(room: string, webSockets: 'hibernate' | 'close'): Promise<void>
  /** As `stop`, at once and for good, for a process that ends itself and can wait for nothing. */
  drop(): void
}

/** Where gateways take TCP, by their urls. Those that take none, as on the edge, are not named. */
export const tcpAddresses = new Map<string, string>()

export const root = resolve(import.meta.dirname, '../..')

export interface Folder {
  path: string
  remove(): Promise<void>
  drop(): void
  /** For a start that failed: removes it and fails on. */
  abandon(error: unknown): Promise<never>
}

export async function folder(given: string | undefined): Promise<Folder> {
  const path = given ?? (await mkdtemp(join(tmpdir(), 'holdline-')))
  const remove = async () => {
    if (given === undefined) await rm(path, { recursive: true, force: true, maxRetries: 5 })
  }
  const drop = () => {
    if (given === undefined) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
  const abandon = async (error: unknown): Promise<never> => {
    await remove()
    throw error
  }
  return { path, remove, drop, abandon }
}

/** Asks until it is so. The pause only keeps the asking cheap; what decides is the answer. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not so within ${seconds} s: ${what}`)
    await after(10)
  }
}

export function answers(url: string): Promise<void> {
  return eventually(`${url}/healthz answers`, async () => {
    try {
      const response = await fetch(`${url}/healthz`)
      await response.arrayBuffer()
      return response.ok
    } catch {
      return false
    }
  })
}
