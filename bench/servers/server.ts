import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dialect } from '../load/dialect.ts'
import type { PollDialect } from '../load/poller.ts'
import { type Cores, cpuOf, descendants, memoryOf } from '../machine/cpu.ts'

export type ServerUrl = string

/** A kind of server: how it is started, and how it is spoken to. */
export interface Kind {
  readonly label: string
  /** `data`: a folder of its own, new. */
  command(data: string): readonly string[]
  env(data: string): Readonly<Record<string, string>>
  readonly dialect: Dialect
  /** How it is polled, and where it streams, if it does. */
  poll?(url: ServerUrl): PollDialect
  stream?(room: string): string
  /** Why it cannot be started here. */
  missing?(): string | undefined
}

export interface StartOptions {
  /** Where V8 writes a profile of it. */
  readonly profile?: string | undefined
  readonly env?: Readonly<Record<string, string>>
}

/** One that runs, as a process of its own. */
export class Server {
  readonly url: ServerUrl
  readonly kind: Kind
  /** From the start of its process to its first answer (ms). */
  readonly startup: number
  /** All its processes: on the edge, what started workerd too. */
  readonly #pids: readonly number[]
  readonly #stop: () => Promise<void>

  private constructor(url: string, kind: Kind, startup: number, pids: readonly number[], stop: () => Promise<void>) {
    this.url = url
    this.kind = kind
    this.startup = startup
    this.#pids = pids
    this.#stop = stop
  }

  /** @throws Error with what it said, if it does not come to answer */
  static async start(kind: Kind, cores: Cores | undefined, options: StartOptions = {}): Promise<Server> {
    const data = mkdtempSync(join(tmpdir(), 'holdline-bench-'))
    const command = [...kind.command(data)]
    if (options.profile !== undefined) command.splice(1, 0, '--cpu-prof', `--cpu-prof-dir=${options.profile}`)
    if (cores !== undefined) command.unshift('taskset', '-c', String(cores.server))
    const started = performance.now()
    const child = spawn(command[0] as string, command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...kind.env(data), ...options.env },
    })
    const family = () => [child.pid as number, ...descendants(child.pid as number).map(({ pid }) => pid)]
    const abandon = () => {
      kill(family())
      rmSync(data, { recursive: true, force: true })
    }
    process.once('exit', abandon)
    const stop = async () => {
      process.off('exit', abandon)
      await end(child, family())
      rmSync(data, { recursive: true, force: true })
    }
    try {
      const url = await address(child)
      return new Server(url, kind, performance.now() - started, family(), stop)
    } catch (error) {
      await stop()
      throw error
    }
  }

  /** Milliseconds of CPU that it has used, all its processes and threads together. */
  get cpu(): number {
    return this.#pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  }

  /** Bytes of memory that it has. */
  get memory(): number {
    return this.#pids.reduce((sum, pid) => sum + memoryOf(pid), 0)
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}

/** Where it says that it listens, once it answers there, whatever it answers. */
async function address(child: ChildProcess): Promise<string> {
  let said = ''
  const told = new Promise<string | undefined>((resolve) => {
    child.once('exit', () => resolve(undefined))
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000)
        const url = /http:\/\/[\w.[\]:]+:\d+/.exec(said)?.[0]
        if (url !== undefined) resolve(url)
      })
    }
  })
  const url = await Promise.race([told, sleep(20_000, undefined, { ref: false })])
  for (let tries = 0; url !== undefined && child.exitCode === null && tries < 500; tries++) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    if (answer !== undefined) {
      await answer.body?.cancel()
      return url
    }
    await sleep(5)
  }
  throw new Error(`the server did not start: ${said}`)
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
  }
}

/** Asks first, since a profile is only written by a process that ends by itself. */
async function end(child: ChildProcess, pids: readonly number[]): Promise<void> {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM')
    await Promise.race([gone, sleep(8000, undefined, { ref: false })])
  }
  kill(pids)
}
