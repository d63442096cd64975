import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { beside } from '../conformance/clients/ends.ts'
import { Random } from '../random.ts'
import { seed } from '../soak/seed.ts'
import { node } from '../targets/node.ts'
import { type Running, root } from '../targets/target.ts'
import { paths, walk } from './paths.ts'
import type { Task, Told } from './reading.ts'

/** Few, and two paths: what differs is their WebSocket, and how their fetch ends, is cut and is given up. */
const MESSAGES = 50
const PATHS = [
  'where WebSockets are black-holed after the handshake',
  'by SSE, cut at random',
  'by long-poll, cut at random',
]
const RUNTIMES = { deno: ['run', '--quiet', '--allow-net', '--allow-env'], bun: ['run'] }

const readBy =
  (runtime: keyof typeof RUNTIMES) =>
  async (task: Task): Promise<Told> => {
    const script = join(root, 'test/client/reader.ts')
    const command = join(root, 'node_modules/.bin', runtime)
    const { stdout } = await promisify(execFile)(command, [...RUNTIMES[runtime], script, JSON.stringify(task)])
    return JSON.parse(stdout)
  }

// What a runtime makes of the wire does not depend on who is at its other end: workerd is met by Node and by Chromium.
describe('the client SDK in other runtimes', () => {
  let gateway: Running
  beforeAll(async () => {
    gateway = await node.start()
  })
  afterAll(() => gateway?.stop())

  const cases = (['deno', 'bun'] as const).flatMap((runtime) => PATHS.map((name) => [runtime, name] as const))
  test.concurrent.for(cases)(
    `%s: %s ${MESSAGES} messages come once, in order, to one session (seed ${seed})`,
    { timeout: 30_000 },
    ([runtime, name], context) =>
      beside(async () => {
        const path = paths[name]
        if (path === undefined) throw new Error(`no path ${name}`)
        const { transports } = await walk(gateway.url, path, MESSAGES, new Random(seed).fork(name), readBy(runtime))
        expect(transports.split(' → ').at(-1)).toBe(path.ends)
      })(context),
  )
})
