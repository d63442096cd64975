import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../src/cli/bundle.ts'
import { configuration, metrics } from '../src/cli/docs.ts'
import { METRICS } from '../src/node/metrics/definitions.ts'
import type { Room } from '../src/room/room.ts'
import { ALL } from '../src/settings/list.ts'
import { checkSettings } from '../src/settings/read.ts'
import { shell } from './cli/run.ts'
import { say } from './conformance/clients/http.ts'
import { pages, type Snippet, snippets } from './docs/snippets.ts'
import { need, starts } from './needs.ts'
import { needPhp } from './php/php.ts'
import { node } from './targets/node.ts'
import { type Running, root, tcpAddresses } from './targets/target.ts'
import { World } from './unit/room/world.ts'

/** Blocks that something in here, or a test file named below, takes care of. */
const cared = new Set<Snippet>()
const take = (found: Snippet[]): Snippet[] => {
  for (const snippet of found) cared.add(snippet)
  return found
}
const inLanguage = (language: string, pattern: RegExp) =>
  take(snippets.filter((snippet) => snippet.language === language && pattern.test(snippet.code)))

/** Languages that have a test file of their own. */
const ELSEWHERE: Record<string, string> = {
  nginx: 'docs/proxies.test.ts',
  haproxy: 'docs/proxies.test.ts',
  ini: 'docs/systemd.test.ts',
}

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
  it.each(inLanguage('sh', /^curl/m))('$page: $code', ({ code }) => {
    const env = { ...process.env, HOLDLINE: gateway.url, TOKEN: 'none' }
    const here = code.replaceAll('http://127.0.0.1:8787', gateway.url)
    const output = execFileSync('bash', ['-euo', 'pipefail', '-c', here], { env, encoding: 'utf8' })
    expect(output).toMatch(/"cursor":|"messages":|"members":|event: welcome/)
    expect(output).not.toContain('"status"')
  })

  it.each(inLanguage('sh', /\| nc /))('$page: $code', ({ code }) => {
    const port = new URL(`${tcpAddresses.get(gateway.url)}`.replace('tcp:', 'http:')).port
    const output = execFileSync('bash', ['-euo', 'pipefail', '-c', code.replace('8788', port)], { encoding: 'utf8' })
    expect(output).toMatch(/"type":"welcome".*"type":"ack"/s)
  })

  it.each(inLanguage('sh', /^(?:export HOLDLINE_JWT|seq|holdline) /m))('$page: $code', async ({ code }) => {
    // That there is something to be read, whichever is run first.
    await say(gateway.url, 'lobby', 'hello')
    await say(gateway.url, 'orders', { order: 4711 })
    const { code: ended, err } = await shell(`set -euo pipefail; ${code}`, { HOLDLINE_URL: gateway.url })
    expect([ended, err]).toEqual([0, ''])
  })

  it.each(inLanguage('sh', /^npm run |^npm ci && npm /))('$page: $code names scripts that there are', ({ code }) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    for (const [, script] of code.matchAll(/npm (?:run )?(start|test|edge|check|dev|bench)/g)) {
      expect(scripts).toHaveProperty([script as string])
    }
  })

  it.each(inLanguage('sh', /^.*npm start$/m))('$page: $code starts a gateway', async ({ code }) => {
    // What `npm start` runs, without npm, which takes longer than the gateway.
    const start = code.replace('npm ci && ', '').replace('npm start', `${process.execPath} src/cli/boot.js`)
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

  it.each(inLanguage('sh', /^sqlite3 /))('$page: $code', ({ code }) => {
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

  const wrangler = inLanguage('sh', /^npx wrangler /)

  it('wrangler.toml describes what wrangler would deploy', () => {
    expect(wrangler.some(({ code }) => code === 'npx wrangler deploy\n')).toBe(true)
  })

  it.each(wrangler)('$page: $code names what wrangler and Holdline have', ({ code }) => {
    for (const line of code.trim().split('\n')) {
      const [, name] = /^npx wrangler (?:deploy$|secret put (\w+)$)/.exec(line) ?? expect.fail(line)
      if (name !== undefined) expect(ALL.find((setting) => setting.name === name)?.secret).toBe(true)
    }
  })

  it.each(inLanguage('php', /^<\?php/))(
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

describe('data in the docs', () => {
  it.each(inLanguage('json', /./))('$page: $code is JSON', ({ code }) => void JSON.parse(code))

  it.each(inLanguage('toml', /^\[vars\]/))('$page: $code is taken by the edge', async ({ code }) => {
    const lines = [...code.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name, value]) => [name, value])
    expect(lines).toHaveLength(code.trim().split('\n').length - 1)
    expect((await checkSettings({ HOLDLINE_OPEN: '1', ...Object.fromEntries(lines) }, 'edge')).wrong ?? []).toEqual([])
  })

  it.each(inLanguage('toml', /^main = /))('$page: $code is what wrangler.toml has, of the package', ({ code }) => {
    const own = readFileSync(join(root, 'wrangler.toml'), 'utf8').split('\n')
    const lines = code.trim().split('\n')
    expect(lines.filter((line) => !own.includes(line) && !/^(main|directory) = /.test(line))).toEqual([])
    const [, folder] = /^directory = "node_modules\/holdline\/(.+)"$/m.exec(code) ?? []
    expect(own).toContain(`directory = "${folder}"`)
  })

  it.each(inLanguage('yaml', /^scrape_configs:/))('$page: $code asks for what there is', ({ code }) => {
    // No parser for one block: what Prometheus takes is a list of jobs, each with its targets.
    expect(code).toMatch(/^scrape_configs:\n {2}- job_name: holdline\n/)
    expect(code.split('\n').filter((line) => !/^( *(- )?\w+: ?.*|)$/.test(line))).toEqual([])
  })

  // What a wrong start says stands in a page that is made by what says it (below).
  take(snippets.filter(({ page, language }) => page === 'docs/configuration.md' && language === 'text'))
})

describe('browser code in the docs', () => {
  it.each(inLanguage('js', /new (WebSocket|EventSource)/))('$page: $code', async ({ code }) => {
    const script = join(folder, 'browser.mjs')
    writeFileSync(script, code.replace('127.0.0.1:8787', new URL(gateway.url).host))
    const page = spawn(process.execPath, ['--experimental-eventsource', '--no-warnings', script])
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
      expect(said).toMatch(/hi|hello|welcome|Your order/)
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

describe('types in the docs', () => {
  const isEdge = ({ code }: Snippet) => code.includes("'holdline/cloudflare'")
  const [edge, rest] = [inLanguage('ts', /./).filter(isEdge), inLanguage('ts', /./).filter((block) => !isEdge(block))]

  it.each(edge)('$page: $code is a worker', async ({ code }) => {
    const [auction] = rest.filter((block) => block.code.includes('class Auction'))
    writeFileSync(join(folder, 'auction.ts'), `${auction?.code}`.replaceAll("'holdline'", `'${root}/src/index.ts'`))
    const worker = join(folder, 'worker.ts')
    writeFileSync(worker, code.replace("'holdline/cloudflare'", `'${root}/src/cloudflare/index.ts'`))
    expect(await bundle(worker)).toMatch(/RoomObject/)
  })

  it('every block in TypeScript is what the compiler takes', () => {
    const types = mkdtempSync(join(root, 'test/docs/types-'))
    try {
      // What a page has said in words: the address, and the token of the user.
      const given = ['url', 'token'].map((name) => `declare const ${name}: string\n`).join('')
      for (const [index, { code }] of rest.entries()) {
        const file = code.includes('class Auction') ? 'auction.ts' : `block-${index}.ts`
        writeFileSync(join(types, file), `${given}${code}\nexport {}\n`)
      }
      const source = (path: string) => [`${root}/src/${path}`]
      const paths = {
        holdline: source('index.ts'),
        'holdline/node': source('node/index.ts'),
        'holdline/client': source('client/index.ts'),
      }
      const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false, paths }
      const file = join(types, 'tsconfig.json')
      writeFileSync(file, JSON.stringify({ extends: `${root}/tsconfig.json`, compilerOptions, include: ['*.ts'] }))
      const { stdout, status } = spawnSync('node_modules/.bin/tsc', ['-p', file], { cwd: root, encoding: 'utf8' })
      expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
    } finally {
      rmSync(types, { recursive: true })
    }
  })
})

describe('blocks in the docs', () => {
  it('each is run, or checked by what its language is', () => {
    const alone = snippets.filter((snippet) => !cared.has(snippet) && ELSEWHERE[snippet.language] === undefined)
    expect(alone.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([])
  })

  it.each(Object.entries(ELSEWHERE))('%s is what test/%s reads', (_, file) => {
    expect(readFileSync(join(root, 'test', file), 'utf8')).toContain("from './snippets.ts'")
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
