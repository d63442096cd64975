import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Cores, descendants } from './cpu.ts'

export type Target = 'node' | 'workerd' | 'ws'

const SCRIPTS: Record<Target, string> = {
  node: '../src/cli/start.ts',
  workerd: '../src/cli/edge.ts',
  ws: './peers/ws.ts',
}

export interface Server {
  url: string
  /** The process whose CPU counts: on the edge it is workerd, not what started it. */
  pid: number
  stop(): Promise<void>
}

export async function startServer(target: Target, cores: Cores | undefined, profile?: string): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), 'holdline-bench-'))
  const script = fileURLToPath(new URL(SCRIPTS[target], import.meta.url))
  const command = [process.execPath, script]
  if (profile !== undefined) command.splice(1, 0, '--cpu-prof', `--cpu-prof-dir=${profile}`)
  if (cores !== undefined) command.unshift('taskset', '-c', String(cores.server))
  const child = spawn(command[0] as string, command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      HOLDLINE_DATA: target === 'node' ? join(data, 'rooms.db') : data,
    },
  })
  const family = () => [{ pid: child.pid as number, name: 'node' }, ...descendants(child.pid as number)]
  const abandon = () => {
    kill(family().map(({ pid }) => pid))
    rmSync(data, { recursive: true, force: true })
  }
  process.once('exit', abandon)
  const stop = async () => {
    process.off('exit', abandon)
    await end(
      child,
      family().map(({ pid }) => pid),
    )
    rmSync(data, { recursive: true, force: true })
  }
  try {
    const url = await address(child)
    const pid = family().find(({ name }) => name === (target === 'workerd' ? 'workerd' : 'node'))?.pid
    if (pid === undefined) throw new Error('workerd was not found among the children')
    return { url, pid, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function address(child: ChildProcess): Promise<string> {
  let said = ''
  let url: string | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
      url ??= /http:\/\/[\w.[\]:]+:\d+/.exec(said)?.[0]
    })
  }
  for (let tries = 0; tries < 200; tries++) {
    await sleep(100)
    if (child.exitCode !== null) break
    if (
      url !== undefined &&
      (await fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      return url
  }
  throw new Error(`the server did not start: ${said}`)
}

function kill(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
  }
}

/** Asks first, since a profile is only written by a process that ends by itself. */
async function end(child: ChildProcess, pids: number[]): Promise<void> {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM')
    await Promise.race([gone, sleep(8000)])
  }
  kill(pids)
}
