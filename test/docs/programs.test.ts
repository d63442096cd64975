import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../src/cli/bundle.ts'
import type { Room } from '../../src/room/room.ts'
import { node } from '../targets/node.ts'
import { type Running, root } from '../targets/target.ts'
import { World } from '../unit/room/world.ts'
import { blocks } from './blocks.ts'
import type { Snippet } from './snippets.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdline-docs-'))
let gateway: Running

beforeAll(async () => {
  gateway = await node.start()
})
afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true })
})

describe('browser code in the docs', () => {
  it.each(blocks.browser)('$page: $code', async ({ code }) => {
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
  beforeAll(async () => {
    const body = JSON.stringify({ data: { text: 'before' } })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${gateway.url}/v1/rooms/lobby/messages`, { method: 'POST', headers, body })
  })

  it('is there', () => expect(blocks.client.length).toBeGreaterThan(5))

  it.each(blocks.client)('$page: $code', async ({ language, code }) => {
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

  it.each(blocks.applications)('$page: $code', async ({ code }) => {
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

describe('types in the docs', () => {
  const isEdge = ({ code }: Snippet) => code.includes("'holdline/cloudflare'")
  const [edge, rest] = [blocks.types.filter(isEdge), blocks.types.filter((block) => !isEdge(block))]

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
