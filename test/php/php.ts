import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { need } from '../needs.ts'
import { eventually, root } from '../targets/target.ts'

const hasPhp = (): boolean => {
  const { status, stdout } = spawnSync('php', ['-m'], { encoding: 'utf8' })
  return status === 0 && /^curl$/m.test(stdout) && /^sockets$/m.test(stdout)
}

/** Real PHP. @throws Error that says how to install it */
export const needPhp = (): void => need('PHP with curl and sockets', ['php-cli', 'php-curl'], hasPhp)

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
