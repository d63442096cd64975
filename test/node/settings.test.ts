import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { root } from '../targets/target.ts'

/** Runs what must not start, to its end. */
async function refused(script: string, env: Record<string, string>): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [script], { cwd: root, env: { ...process.env, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said, , [code]] = await Promise.all([text(child.stderr), text(child.stdout), once(child, 'exit')])
  return { code, said }
}

const block = (...lines: string[]): string =>
  `Holdline did not start: its settings are wrong.\n${lines.map((line) => `  ${line}\n`).join('')}See docs/configuration.md.\n`

it('OPS-4 npm start says all that is wrong at once, and nothing else, and ends with 78', async () => {
  const env = { HOST: '0.0.0.0', PORT: 'http', HOLDLINE_RATES: '5', HOLDLINE_JWT_SECRET: 'hunter2' }
  expect(await refused('src/cli/start.ts', env)).toEqual({
    code: 78,
    said: block(
      'HOLDLINE_RATES is no setting; did you mean HOLDLINE_RATE?',
      'PORT must be a whole number from 0 to 65535, not "http"',
      'HOLDLINE_JWT_SECRET must be a text of 32 characters at least',
    ),
  })
})

it('OPS-4 npm run edge does the same, also for what has no effect there', async () => {
  const env = { PORT: '-1', HOLDLINE_SYNC: 'full', HOLDLINE_MAX_PAYLOAD: '2000000', HOLDLINE_DATA: '' }
  expect(await refused('src/cli/edge.ts', env)).toEqual({
    code: 78,
    said: block(
      'PORT must be a whole number from 0 to 65535, not "-1"',
      'HOLDLINE_SYNC has no effect on the edge; take it away',
      'HOLDLINE_MAX_PAYLOAD must be a whole number from 1 to 1048576, not "2000000"',
    ),
  })
})

it('OPS-4 whatever else keeps it from starting is one line, and ends it with 1', async () => {
  const other = createServer()
  onTestFinished(() => void other.close())
  await new Promise<void>((ready) => other.listen(0, '127.0.0.1', ready))
  const { port } = other.address() as AddressInfo
  const env = { PORT: `${port}`, HOLDLINE_DATA: ':memory:' }
  const line = (what: string) => expect.stringMatching(new RegExp(`^Holdline did not start: [^\\n]*${what}[^\\n]*\\n$`))
  expect(await refused('src/cli/start.ts', env)).toEqual({ code: 1, said: line(`EADDRINUSE.*:${port}`) })
  const edge = { PORT: `${port}`, HOLDLINE_DATA: '' }
  expect(await refused('src/cli/edge.ts', edge)).toEqual({ code: 1, said: line(`:${port}.*already in use`) })
})
