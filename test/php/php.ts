import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { eventually, root } from '../targets/target.ts'

const hasPhp = (): boolean => {
  const { status, stdout } = spawnSync('php', ['-m'], { encoding: 'utf8' })
  return status === 0 && /^curl$/m.test(stdout)
}

/** Real PHP, installed if it is missing and we may. @throws Error that says how */
export function needPhp(): void {
  if (hasPhp()) return
  try {
    execFileSync('apt-get', ['update'], { stdio: 'pipe' })
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'php-cli', 'php-curl'], { stdio: 'pipe' })
  } catch (error) {
    throw new Error('These tests need PHP with curl: apt-get install php-cli php-curl (as root)', { cause: error })
  }
  if (!hasPhp()) throw new Error('PHP was installed, but has no curl: apt-get install php-curl')
}

export interface Php {
  url: string
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The example, served as its README says. */
export async function servePhp(port: number, env: Record<string, string>): Promise<Php> {
  const child: ChildProcess = spawn('php', ['-S', `127.0.0.1:${port}`, '-t', join(root, 'examples/php')], {
    // Its workers are children of their own: with one group they go with it.
    detached: true,
    env: { ...process.env, PHP_CLI_SERVER_WORKERS: '4', ...env },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  await eventually('php -S answers', async () => (await fetch(`${url}/index.php`).catch(() => null))?.ok ?? false)
  return {
    url,
    async stop() {
      const gone = once(child, 'exit')
      process.kill(-(child.pid as number), 'SIGKILL')
      await gone
    },
  }
}
