import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundle, WORKER } from '../src/cli/bundle.ts'

const root = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'holdline-package-'))

/** The package as npm would publish it, installed into an empty project. */
beforeAll(() => {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, stdio: 'pipe' })
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string
  const installed = join(folder, 'node_modules/holdline')
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', installed, '--strip-components=1'])
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

it('serves an application on Node from the published package', async () => {
  const script = join(folder, 'app.mjs')
  writeFileSync(
    script,
    `import { Room } from 'holdline'
     import { serve } from 'holdline/node'
     class Loud extends Room {
       onMessage(session, message) { this.broadcast(message.data.toUpperCase()) }
     }
     import { connect } from 'holdline/client'
     const { url } = await serve({ room: Loud, port: 0, data: ':memory:' })
     const client = connect(url)
     await client.room('said-by-the-sdk').publish('by sdk')
     client.close()
     console.log(url)`,
  )
  const app = spawn(process.execPath, [script], { cwd: folder })
  try {
    const url = await new Promise<string>((found, failed) => {
      app.stdout.once('data', (data) => found(`${data}`.trim()))
      app.stderr.once('data', (data) => failed(new Error(`${data}`)))
    })
    const room = `${url}/v1/rooms/r`
    const posted = await fetch(`${room}/messages`, {
      method: 'POST',
      body: 'quiet',
      headers: { 'content-type': 'text/plain' },
    })
    expect(posted.status).toBe(201)
    const { messages } = (await (await fetch(`${room}/messages`)).json()) as { messages: { data: string }[] }
    expect(messages.map(({ data }) => data)).toEqual(['QUIET'])
    expect(await (await fetch(`${url}/v1/rooms/said-by-the-sdk/messages`)).text()).toContain('BY SDK')
    expect(await (await fetch(url)).text()).toContain('<html')
    expect(await (await fetch(`${url}/openapi.json`)).text()).toContain('"openapi":"3.1')
  } finally {
    app.kill('SIGKILL')
  }
})

it('has a command, which runs a gateway and speaks to it', async () => {
  const { bin } = JSON.parse(readFileSync(join(folder, 'node_modules/holdline/package.json'), 'utf8'))
  const script = join(folder, 'node_modules/holdline', bin.holdline)
  const command = join(folder, 'node_modules/.bin/holdline')
  // As npm does on install.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  chmodSync(script, 0o755)
  symlinkSync(script, command)
  const env = { ...process.env, HOLDLINE_URL: '' }
  const help = execFileSync('npx', ['--no', '--', 'holdline', '--help'], { cwd: folder, encoding: 'utf8', env })
  expect(help).toContain('holdline pub lobby hello')
  const run = (args: string[], url: string) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, HOLDLINE_URL: url } })
  const gateway = spawn(command, ['start'], {
    cwd: folder,
    env: { ...process.env, PORT: '0', HOLDLINE_DATA: ':memory:' },
  })
  try {
    const url = await new Promise<string>((found, failed) => {
      gateway.stdout.once('data', (data) => found(/http:\S+/.exec(`${data}`)?.[0] as string))
      gateway.once('exit', (code) => failed(new Error(`ended with ${code}`)))
    })
    run(['pub', 'lobby', 'hello'], url)
    expect(run(['sub', 'lobby', '--rewind', '1', '--count', '1'], url)).toBe('hello\n')
  } finally {
    gateway.kill('SIGKILL')
  }
})

it('bundles for the edge from the published package', async () => {
  const entry = join(folder, 'worker.js')
  writeFileSync(
    entry,
    `import { createRoomObject, createWorker, Room } from 'holdline/cloudflare'
     export class RoomObject extends createRoomObject(class extends Room {}) {}
     export default createWorker()`,
  )
  expect(await bundle(entry)).toContain('acceptWebSocket')
})

it('what wrangler deploys is the bundle that all else is tried with, and the pages; it stays small', async () => {
  const out = join(folder, 'deployed')
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
  const said = execFileSync('npx', ['wrangler', 'deploy', '--dry-run', '--outdir', out], {
    cwd: root,
    encoding: 'utf8',
    env,
  })
  expect(said).toContain('Read 4 files from the assets directory')
  const deployed = readFileSync(join(out, 'worker.js'))
  expect(`${deployed}`).toBe(await bundle(WORKER))
  expect(gzipSync(deployed).length).toBeLessThan(81_920)
}, 30_000)
