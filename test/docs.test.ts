import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configuration, metrics } from '../src/cli/docs.ts'
import { METRICS } from '../src/node/metrics/definitions.ts'
import type { Room } from '../src/room/room.ts'
import { ALL } from '../src/settings/list.ts'
import { holdline, shell } from './cli/run.ts'
import { need, starts } from './needs.ts'
import { node } from './targets/node.ts'
import { type Running, tcpAddresses } from './targets/target.ts'
import { World } from './unit/room/world.ts'

const root = resolve(import.meta.dirname, '..')
const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })]

/** What readers copy: every fenced block, by its language. */
const snippets = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
    page,
    language: language as string,
    code: code as string,
  })),
)
const inLanguage = (language: string, pattern: RegExp) =>
  snippets.filter((snippet) => snippet.language === language && pattern.test(snippet.code))

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
  it.each(inLanguage('sh', /^curl/))('$page: $code', ({ code }) => {
    const env = { ...process.env, HOLDLINE: gateway.url }
    const output = execFileSync('bash', ['-euo', 'pipefail', '-c', code], { env, encoding: 'utf8' })
    expect(output).toMatch(/"cursor":|"messages":|"members":|event: welcome/)
    expect(output).not.toContain('"status"')
  })

    const port = new URL(`${tcpAddresses.get(gateway.url)}`.replace('tcp:', 'http:')).port
    const output = execFileSync('bash', ['-euo', 'pipefail', '-c', code.replace('8788', port)], { encoding: 'utf8' })
    expect(output).toMatch(/"type":"welcome".*"type":"ack"/s)
  })

  it.each(inLanguage('sh', /^(?:export HOLDLINE_JWT|seq|holdline) /m))('$page: $code', async ({ code }) => {
    const env = { HOLDLINE_URL: gateway.url }
    // That there is something to be read, whichever is run first.
    await holdline(['pub', 'lobby', 'hello'], env)
    await holdline(['pub', 'orders', '--json', '{"order":4711}', '--id', 'order-4711'], env)
    const { code: ended, err } = await shell(`set -euo pipefail; ${code}`, env)
    expect([ended, err]).toEqual([0, ''])
  })

  it.each(inLanguage('sh', /^npm run |^npm ci && npm /))('$page: $code names scripts that there are', ({ code }) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    for (const [, script] of code.matchAll(/npm (?:run )?(start|test|edge|check|dev|bench)/g)) {
      expect(scripts).toHaveProperty([script as string])
    }
  })
})

describe('browser code in the docs', () => {
  it.each(inLanguage('js', /new WebSocket/))('$page: $code', async ({ code }) => {
    const script = join(folder, 'browser.mjs')
    writeFileSync(script, code.replace('127.0.0.1:8787', new URL(gateway.url).host))
    const page = spawn(process.execPath, [script])
    try {
      // A plain connection does not hear itself, so somebody else must say what it hears.
      const said = await new Promise<string>((heard, failed) => {
        page.stdout.on('data', (data) => heard(`${data}`))
        page.stderr.once('data', (data) => failed(new Error(`${data}`)))
        const speak = async () => {
          await fetch(`${gateway.url}/v1/rooms/lobby/messages`, {
            method: 'POST',
            body: 'hi',
            headers: { 'content-type': 'text/plain' },
          })
          if (page.exitCode === null && page.signalCode === null && !page.killed)
            setTimeout(() => speak().catch(failed), 50)
        }
        speak().catch(failed)
      })
      expect(said).toMatch(/hi|welcome/)
    } finally {
      const ended = once(page, 'exit')
      page.kill('SIGKILL')
      await ended
    }
  })
})

describe('the client in the docs', () => {
  const found = ['js', 'ts'].flatMap((language) => inLanguage(language, /from 'holdline\/client'/))

  beforeAll(async () => {
    const body = JSON.stringify({ data: { text: 'before' } })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${gateway.url}/v1/rooms/lobby/messages`, { method: 'POST', headers, body })
  })

  it('is there', () => expect(found.length).toBeGreaterThan(5))

  it.each(found)('$page: $code', async ({ language, code }) => {
    const script = join(folder, `client.${language === 'ts' ? 'ts' : 'mjs'}`)
    const source = code
      .replace("'holdline/client'", `'${root}/src/client/index.ts'`)
      .replaceAll('127.0.0.1:8787', new URL(gateway.url).host)
    writeFileSync(script, `${source}\nconsole.log('the end')`)
    const program = spawn(process.execPath, [script])
    try {
      // One that reads for ever does not come to its end, but to its first message.
      const isReached = code.includes('for await') ? /\{/ : /the end/
      await new Promise<void>((reached, failed) => {
        let said = ''
        program.stdout.on('data', (data) => {
          said += data
          if (isReached.test(said)) reached()
        })
        program.stderr.once('data', (data) => failed(new Error(`${data}`)))
      })
    } finally {
      const ended = once(program, 'exit')
      if (program.exitCode === null && program.kill('SIGKILL')) await ended
    }
  })
})

describe('applications in the docs', () => {
  const conversations: Record<string, { says: unknown[]; hears: unknown }> = {
    Counter: { says: ['a', 'b'], hears: { count: 2, said: 'b' } },
    Auction: { says: [{ bid: 5 }, { bid: 4 }, { bid: 9 }], hears: { highest: 9, by: 'ada' } },
  }

  it.each(inLanguage('ts', /extends Room/))('$page: $code', async ({ code }) => {
    const [, name] = /class (\w+) extends Room/.exec(code) ?? []
    const file = join(folder, `${name}.ts`)
    writeFileSync(file, code.replaceAll("'holdline'", `'${root}/src/index.ts'`))
    const module = (await import(/* @vite-ignore */ file)) as Record<string, typeof Room>
    const world = new World({ room: module[name as string] as typeof Room })
    const ada = world.connect({ session: 'ada' })
    const { says, hears } = conversations[name as string] ?? { says: [], hears: undefined }
    for (const data of says) world.says(ada, { op: 'publish', data })
    world.settles()
    expect(ada.messages.at(-1)).toEqual(hears)
  })
})

describe('metrics in the docs', () => {
  it('OPS-5 docs/metrics.md is what `npm run docs` makes', () => {
    expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8')).toBe(metrics())
  })

  it.each(['docs/operations.md', 'docs/grafana-dashboard.json'])('OPS-5 %s names metrics that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const named = [...text.matchAll(/\bholdline_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
    expect(named.length).toBeGreaterThan(5)
    const names: string[] = METRICS.map(({ name }) => name)
    expect(named.filter((name) => !names.includes(name))).toEqual([])
  })

  it('OPS-5 the dashboard shows every metric, in panels that do not overlap', () => {
    const text = readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8')
    const { panels } = JSON.parse(text) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number }; targets: { expr: string }[] }[]
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
    const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join()
    expect(METRICS.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([])
  })
})

describe('settings in the docs', () => {
  it('docs/configuration.md is what `npm run docs` makes', () => {
    expect(readFileSync(join(root, 'docs/configuration.md'), 'utf8')).toBe(configuration())
  })

  const example = configuration().slice(0, configuration().indexOf('\n## The server'))
  const names = ALL.map(({ name }) => name)

  it.each([...pages, ...globSync('examples/**/*.md', { cwd: root })])('%s names settings that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(example, '')
    const named = [...text.matchAll(/\bHOLDLINE_[A-Z_]*[A-Z]/g)].map(([name]) => name)
    expect(named.filter((name) => !names.includes(name))).toEqual([])
  })

  // What a setting is read as proves nothing of what it does.
  const READING = /unit\/settings|settings\.test|unconfigured\.test|docs\.test/
  const proofs = globSync('test/**/*.ts', { cwd: root }).filter((file) => !READING.test(file))
  const proved = proofs.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')

  it.each(ALL)('$name has an effect: a test sets it', ({ name }) => {
    expect(new RegExp(`\\b${name}\\b`).test(proved)).toBe(true)
  })
})
