import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { answers, folder, type Running, root, type StartOptions, type Target } from './target.ts'

const PATIENCE = 20_000

interface Started {
  child: ChildProcess
  url: string
}

async function launch(script: string, env: Record<string, string>): Promise<Started> {
  const child = spawn(process.execPath, [script], {
    cwd: root,
    env: { ...process.env, HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${script} ${why}\n${output}`))
    const timer = setTimeout(() => fail('named no url'), PATIENCE)
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.stdout?.on('data', (chunk) => {
      output += chunk
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (!found) return
      clearTimeout(timer)
      resolve(found[0])
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
  return { child, url }
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
    const script = app === 'default' ? 'src/cli/start.ts' : `examples/${app}/node.ts`
    const settings = { ...env, HOLDLINE_DATA: join(store.path, 'rooms.db') }
    let { child, url } = await launch(script, { ...settings, PORT: '0' }).catch(store.abandon)
    return {
      url,
      async stop() {
        await end(child, 'SIGTERM')
        await store.remove()
      },
      async crash() {
        await end(child, 'SIGKILL')
        ;({ child, url } = await launch(script, { ...settings, PORT: new URL(url).port }))
      },
    }
  },
}
