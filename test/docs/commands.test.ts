import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALL } from '../../src/settings/list.ts'
import { shell } from '../cli/run.ts'
import { say } from '../conformance/clients/http.ts'
import { need, starts } from '../needs.ts'
import { needPhp } from '../php/php.ts'
import { node } from '../targets/node.ts'
import { type Running, root, tcpAddresses } from '../targets/target.ts'
import { blocks } from './blocks.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'holdline-docs-'))
let gateway: Running

beforeAll(async () => {
  need('nc', ['netcat-openbsd'], () => starts('nc', '-h'))
  gateway = await node.start()
}, 180_000)
afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true })
})

describe('commands in the docs', () => {
  // Beside each other, since some wait for what does not come.
  it.concurrent.for(blocks.curl)('$page: $code', async ({ code }) => {
    const env = { ...process.env, HOLDLINE: gateway.url, TOKEN: 'none' }
    const here = code.replaceAll('http://127.0.0.1:8787', gateway.url)
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], { env })
    expect(stdout).toMatch(/"cursor":|"messages":|"members":|event: welcome/)
    expect(stdout).not.toContain('"status"')
  })

  it.each(blocks.nc)('$page: $code', ({ code }) => {
    const port = new URL(`${tcpAddresses.get(gateway.url)}`.replace('tcp:', 'http:')).port
    const output = execFileSync('bash', ['-euo', 'pipefail', '-c', code.replace('8788', port)], { encoding: 'utf8' })
    expect(output).toMatch(/"type":"welcome".*"type":"ack"/s)
  })

  it.each(blocks.holdline)('$page: $code', async ({ code }) => {
    // That there is something to be read, whichever is run first.
    await say(gateway.url, 'lobby', 'hello')
    await say(gateway.url, 'orders', { order: 4711 })
    const { code: ended, err } = await shell(`set -euo pipefail; ${code}`, { HOLDLINE_URL: gateway.url })
    expect([ended, err]).toEqual([0, ''])
  })

  it.each(blocks.scripts)('$page: $code names scripts that there are', ({ code }) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    for (const [, script] of code.matchAll(/npm (?:run )?(start|test|edge|check|dev|bench)/g)) {
      expect(scripts).toHaveProperty([script as string])
    }
  })

  it.each(blocks.starts)('$page: $code starts a gateway', async ({ code }) => {
    // What `npm start` runs, without npm, which takes longer than the gateway.
    const start = code.replace('npm ci && ', '').replace('npm start', `${process.execPath} src/cli/boot.cjs`)
    const env = { ...process.env, PORT: '0', HOLDLINE_DATA: ':memory:' }
    // One group, so that the shell and the gateway end together.
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', start], { cwd: root, env, detached: true })
    const gone = once(shell, 'exit')
    try {
      await new Promise<void>((started, failed) => {
        let said = ''
        for (const stream of [shell.stdout, shell.stderr]) {
          stream.on('data', (data) => {
            said += data
            if (said.includes('Holdline listens on')) started()
          })
        }
        shell.once('exit', () => failed(new Error(said)))
      })
    } finally {
      if (shell.exitCode === null) process.kill(-(shell.pid as number), 'SIGKILL')
      await gone
    }
  })

  it.each(blocks.sqlite3)('$page: $code', ({ code }) => {
    const file = join(folder, 'rooms.db')
    const statement = /"(.*)"/.exec(code)?.[1] as string
    const database = new DatabaseSync(file)
    database.exec('CREATE TABLE rooms (name)')
    database.exec(statement.replace('backup.db', join(folder, 'backup.db')))
    database.close()
    const backup = new DatabaseSync(join(folder, 'backup.db'))
    expect(backup.prepare('SELECT count(*) AS n FROM rooms').get()).toMatchObject({ n: 0 })
    backup.close()
  })

  it('wrangler.toml describes what wrangler would deploy', () => {
    expect(blocks.wrangler.some(({ code }) => code === 'npx wrangler deploy\n')).toBe(true)
  })

  it.each(blocks.wrangler)('$page: $code names what wrangler and Holdline have', ({ code }) => {
    for (const line of code.trim().split('\n')) {
      const [, name] = /^npx wrangler (?:deploy$|secret put (\w+)$)/.exec(line) ?? expect.fail(line)
      if (name !== undefined) expect(ALL.find((setting) => setting.name === name)?.secret).toBe(true)
    }
  })

  it.each(blocks.php)(
    '$page: $code',
    async ({ code }) => {
      needPhp()
      const script = join(folder, 'script.php')
      writeFileSync(script, code.replace("'examples/", `'${root}/examples/`))
      execFileSync('php', [script], { env: { ...process.env, HOLDLINE: gateway.url } })
      const answer = await fetch(`${gateway.url}/v1/rooms/lobby/messages?limit=1`)
      expect(await answer.text()).toContain('"id":"order-4711-sent"')
    },
    180_000,
  )
})
