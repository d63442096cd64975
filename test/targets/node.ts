import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { APPS, answers, folder, type Running, root, type StartOptions, type Target, tcpAddresses } from './target.ts'

const PATIENCE = 40_000

interface Started {
  child: ChildProcess
  url: string
  tcp: string | undefined
}

async function launch(script: string, env: Record<string, string>): Promise<Started> {
  const child = spawn(process.execPath, [script], {
    cwd: root,
    env: { ...process.env, HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const [url, tcp] = await new Promise<[string, string | undefined]>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${script} ${why}\n${output}`))
    const timer = setTimeout(() => fail('named no url'), PATIENCE)
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.stdout?.on('data', (chunk) => {
      output += chunk
      const [, url, tcp] = /(http:\/\/127\.0\.0\.1:\d+)(?: and (tcp:\S+))?\n/.exec(output) ?? []
      if (url === undefined) return
      clearTimeout(timer)
      resolve([url, tcp])
    })
    child.once('error', (error) => fail(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`))
  }).catch((error) => {
    child.kill('SIGKILL')
    throw error
  })
  child.removeAllListeners('exit')
  child.stderr?.pipe(process.stderr)
  await answers(url)
  if (tcp !== undefined) tcpAddresses.set(url, tcp)
  return { child, url, tcp }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  await gone
  clearTimeout(late)
  if (signal === 'SIGTERM' && child.signalCode === 'SIGKILL') throw new Error('the server ignored SIGTERM')
}

export const node: Target = {
  name: 'node',
  async start({ app = 'default', env = {}, data }: StartOptions = {}): Promise<Running> {
    const store = await folder(data)
    const script = APPS[app].node
    const settings = { HOLDLINE_TCP_PORT: '0', ...env, HOLDLINE_DATA: join(store.path, 'rooms.db') }
    let { child, url, tcp } = await launch(script, { ...settings, PORT: '0' }).catch(store.abandon)
    return {
      url,
      async stop() {
        await end(child, 'SIGTERM')
        await store.remove()
      },
      async crash() {
        await end(child, 'SIGKILL')
        const ports = { PORT: new URL(url).port, HOLDLINE_TCP_PORT: tcp === undefined ? '' : new URL(tcp).port }
        ;({ child, url, tcp } = await launch(script, { ...settings, ...ports }))
      },
      drop() {
        child.kill('SIGKILL')
        store.drop()
      },
    }
  },
}
