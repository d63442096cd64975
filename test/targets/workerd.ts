import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { APPS, answers, eventually, folder, type Running, root, type StartOptions, type Target } from './target.ts'

// Miniflare keeps its child to itself, so we ask the system: parent and name are all that is needed.
function workerds(): Set<number> {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return new Set(
    rows
      .filter(([, parent, name]) => parent === `${process.pid}` && name?.includes('workerd'))
      .map(([pid]) => +(pid ?? 0)),
  )
}

function alive(pid: number): boolean {
  return workerds().has(pid)
}

export const workerd: Target = {
  name: 'workerd',
  async start({ app = 'default', env = {}, data }: StartOptions = {}): Promise<Running> {
    // Loaded late: miniflare and esbuild take a second that suites without workerd need not pay.
    const { startEdge } = await import('../../src/cli/edge.ts')
    const store = await folder(data)
    const before = workerds()
    const edge = await startEdge({
      entry: join(root, APPS[app].worker),
      port: 0,
      data: store.path,
      vars: { HOLDLINE_OPEN: 'loopback', ...env },
    }).catch(store.abandon)
    let [child] = [...workerds()].filter((pid) => !before.has(pid))
    const url = edge.url.replace(/\/$/, '')
    await answers(url)
    return {
      url,
      async stop() {
        await edge.stop()
        await store.remove()
      },
      async crash() {
        const old = child
        if (old === undefined) throw new Error('no workerd child was found')
        const others = workerds()
        process.kill(old, 'SIGKILL')
        await eventually('workerd is dead', () => !alive(old))
        await answers(url)
        child = [...workerds()].find((pid) => !others.has(pid))
      },
      async evict(room, webSockets) {
        await edge.mf.unsafeEvictDurableObject('holdline', 'RoomObject', { name: room, webSockets })
      },
      drop() {
        if (child !== undefined) process.kill(child, 'SIGKILL')
        store.drop()
      },
    }
  },
}
