import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atEnd, beside } from '../conformance/clients/ends.ts'
import { API_KEY, LOCKED, SECRET, token } from '../conformance/clients/tokens.ts'
import { freshRoom } from '../conformance/suite.ts'
import { folder } from '../node/gateway.ts'
import { node } from '../targets/node.ts'
import type { Running } from '../targets/target.ts'
import { begin, holdline, shell } from './run.ts'

const NOBODY = { HOLDLINE_URL: 'http://127.0.0.1:2' }

describe('how a command ends', () => {
  const cases: [code: number, why: string, args: string[]][] = [
    [2, 'nothing to do', []],
    [2, 'an unknown command', ['publish']],
    [2, 'a room missing', ['pub']],
    [2, 'a room that cannot be', ['pub', 'a b', 'x']],
    [2, 'a malformed number', ['sub', 'r', '--count', 'many']],
    [2, 'two beginnings', ['sub', 'r', '--from', '0-0', '--rewind', '3']],
    [2, 'a cursor for each room missing', ['sub', 'a', 'b', '--from', '0-0']],
    [2, 'data that is no JSON', ['pub', 'r', '--json', '{']],
    [2, 'a malformed --url', ['pub', 'r', 'x', '--url', 'localhost:8787']],
    [2, 'a token file that is not there', ['pub', 'r', 'x', '--token-file', '/nowhere']],
    [69, 'nobody there: pub', ['pub', 'r', 'x']],
    [69, 'nobody there: sub', ['sub', 'r']],
    [69, 'nobody there: history', ['history', 'r']],
    [1, 'nobody there: doctor', ['doctor']],
    [78, 'no secret to sign with', ['token', '--rooms', '*=publish']],
    [0, 'help', ['help', 'pub']],
  ]

  it('by a code for each kind of failure, with a line that says why and no stack trace', async () => {
    const ended = await Promise.all(cases.map(async ([, why, args]) => ({ why, ...(await holdline(args, NOBODY)) })))
    expect(ended.map(({ code, why }) => [code, why])).toEqual(cases.map(([code, why]) => [code, why]))
    for (const { code, out, err } of ended) {
      if (code === 0) expect(out).toContain('Examples:')
      else expect(err).not.toMatch(/^\s+at /m)
      expect(err === '').toBe(code === 0)
    }
  })

  it('78: a malformed setting', async () => {
    const { code, err } = await holdline(['pub', 'r', 'x'], { HOLDLINE_URL: 'nonsense' })
    expect({ code, err }).toEqual({ code: 78, err: 'holdline: HOLDLINE_URL must be an http or https URL\n' })
    const secret = await holdline(['token', '--rooms', '*=publish'], { HOLDLINE_JWT_SECRET: 'hunter2' })
    expect(secret.code).toBe(78)
    expect(secret.err).not.toContain('hunter2')
  })

  it('start takes the settings of the command line for no mistake, and others for one', async () => {
    const env = { HOLDLINE_URL: 'https://example.com', HOLDLINE_TOKEN: 'secret', PORT: '0', HOLDLINE_DATA: ':memory:' }
    const gateway = begin(['start'], env)
    await gateway.says('listens on http://127.0.0.1:')
    gateway.child.kill('SIGTERM')
    expect((await gateway.ended).code).toBe(0)
    const refused = await holdline(['start'], { HOLDLINE_URI: 'https://example.com' })
    expect(refused.err).toContain('HOLDLINE_URI is no setting; did you mean HOLDLINE_URL?')
    expect(refused.code).toBe(78)
  })
})

describe('with a gateway', () => {
  let gateway: Running
  let env: Record<string, string>
  beforeAll(async () => {
    gateway = await node.start({ env: LOCKED })
    env = { HOLDLINE_URL: gateway.url, HOLDLINE_JWT_SECRET: SECRET }
  })
  afterAll(() => gateway.stop())

  it('77: without a token, with one that has ended, with one that does not open the room', async () => {
    const ended = await token({ exp: -60 })
    const other = await token({ rooms: { other: ['publish'] } })
    for (const [args, more] of [
      [['sub', 'r'], {}],
      [['pub', 'r', 'x'], { HOLDLINE_TOKEN: ended }],
      [['sub', 'r'], { HOLDLINE_TOKEN: other }],
      [['who', 'r', '--token', other], {}],
    ] as const) {
      const { code, err } = await holdline(args, { ...env, ...more })
      expect([code, err]).toEqual([77, expect.stringMatching(/unauthorized|token_expired|forbidden|Send a token/)])
    }
  })

  it('token makes what the gateway takes; a token that may publish alone is enough for pub', async () => {
    const made = await shell(
      `holdline token --user ada --rooms 'log:*=publish' --rooms 'chat=publish,subscribe' --for 5m`,
      env,
    )
    expect(made).toMatchObject({ code: 0, err: '' })
    const HOLDLINE_TOKEN = made.out.trim()
    expect(await holdline(['pub', 'log:1', '-'], { ...env, HOLDLINE_TOKEN }, 'a\nb\n')).toMatchObject({ code: 0 })
    const mine = await holdline(['pub', 'chat', 'hi'], { ...env, HOLDLINE_TOKEN })
    expect(mine.code).toBe(0)
    const heard = await holdline(['sub', 'chat', '--rewind', '1', '--count', '1', '--json'], { ...env, HOLDLINE_TOKEN })
    expect(JSON.parse(heard.out)).toMatchObject({ data: 'hi' })
    const long = await holdline(['token', '--rooms', '*=publish', '--for', '90d'], env)
    expect([long.code, long.err]).toEqual([2, expect.stringContaining('HOLDLINE_TOKEN_LIFETIME')])
  })

  it('an API key does all, also from a file', async () => {
    const file = join(folder(), 'key')
    writeFileSync(file, `${API_KEY}\n`)
    const room = freshRoom()
    expect((await holdline(['pub', room, 'by key'], { ...env, HOLDLINE_TOKEN: API_KEY })).code).toBe(0)
    const heard = await holdline(['sub', room, '--rewind', '1', '--count', '1', '--token-file', file], env)
    expect(heard).toEqual({ code: 0, out: 'by key\n', err: '' })
    expect((await holdline(['who', room, '--token-file', file], env)).code).toBe(0)
    rmSync(file)
  })

  it('the end of a pipe ends it, as it ends every tool', async () => {
    const key = { ...env, HOLDLINE_TOKEN: API_KEY }
    const room = freshRoom()
    const { out, err } = await shell(
      `seq 5000 | holdline pub ${room} - && holdline history ${room} --all | head -1; echo "\${PIPESTATUS[0]}"`,
      key,
    )
    expect([out, err]).toEqual(['1\n141\n', ''])
  })

  it('sub dies of the signal that it was given, having left', async () => {
    const key = { ...env, HOLDLINE_TOKEN: API_KEY }
    const room = freshRoom()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const running = begin(['sub', room, '--from', '0-0'], key)
      await holdline(['pub', room, 'ready'], key)
      await running.says('ready')
      running.child.kill(signal)
      expect((await running.ended).code).toBe(signal)
    }
  })

  it('a line that is no JSON, or no UTF-8, ends it there, and what was before it is published', async () => {
    const key = { ...env, HOLDLINE_TOKEN: API_KEY }
    const room = freshRoom()
    const { code, err } = await holdline(['pub', room, '--json'], key, '1\n\n{"exact": 1152921504606846977}\nnope\n4\n')
    expect([code, err]).toEqual([1, 'holdline: line 4 is no JSON; published before it: 2\n'])
    expect((await holdline(['history', room], key)).out).toBe('1\n{"exact": 1152921504606846977}\n')
    const lines = "printf 'fine\\r\\n\\n\\xff\\nafter\\n'; printf 'after'"
    const other = freshRoom()
    const bytes = await shell(`(${lines}) | holdline pub ${other} -`, key)
    expect([bytes.code, bytes.err]).toEqual([1, 'holdline: line 3 is not UTF-8\n'])
    expect((await holdline(['history', other], key)).out).toBe('fine\n\n')
    const cut = await shell(`printf 'fine\\nb\\xc3' | holdline pub ${other} -`, key)
    expect([cut.code, cut.err]).toEqual([1, 'holdline: line 2 is not UTF-8\n'])
    expect((await holdline(['history', other], key)).out).toBe('fine\n\nfine\n')
    const whole = await shell(`(printf 'b\\xc3'; sleep 0.3; printf '\\xa4') | holdline pub ${other} -`, key)
    expect([whole.code, whole.err]).toEqual([0, ''])
    expect((await holdline(['history', other, '--limit', '1'], key)).out).toBe('bä\n')
  })

  it('what is too large is refused, and nothing after it is sent', async () => {
    const key = { ...env, HOLDLINE_TOKEN: API_KEY }
    const room = freshRoom()
    const { code, err } = await holdline(['pub', room], key, `small\n${'x'.repeat(70_000)}\nafter\n`)
    expect([code, err]).toEqual([1, expect.stringMatching(/^holdline: message 2 was refused: too_large: /)])
    expect((await holdline(['history', room], key)).out).toBe('small\n')
  })
})

// Beside each other, since they wait for what is tried again.
describe.concurrent('what fails meanwhile', () => {
  it(
    'a gateway that dies meanwhile costs nothing: pub goes on, and sub misses nothing',
    beside(async () => {
      const gateway = await node.start()
      try {
        const env = { HOLDLINE_URL: gateway.url }
        const reader = begin(['sub', 'log', '--from', '0-0', '--count', '4'], env)
        const writer = begin(['pub', 'log', '-'], env)
        writer.child.stdin.write('one\n')
        await reader.says('one')
        writer.child.stdin.write('two\n')
        await reader.says('two')
        await gateway.crash()
        writer.child.stdin.end('three\nfour\n')
        expect(await writer.ended).toMatchObject({ code: 0 })
        const read = await reader.ended
        expect([read.code, read.out]).toEqual([0, 'one\ntwo\nthree\nfour\n'])
        expect(read.err).toContain('holdline: disconnected: ')
        expect(read.err).toContain('holdline: connected by ')
      } finally {
        await gateway.stop()
      }
    }),
  )

  /** Passes requests on, and so many answers not back. */
  async function losing(answers: number, gateway: string): Promise<string> {
    let left = answers
    const proxy = createServer(async (request, response) => {
      const { method, url, headers } = request
      const body = method === 'POST' ? await text(request) : null
      const type = { 'content-type': `${headers['content-type']}` }
      const answer = await fetch(gateway + url, { method: `${method}`, body, headers: type })
      const said = await answer.text()
      if (left-- > 0) response.destroy()
      else response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(said)
    }).listen(0, '127.0.0.1')
    atEnd(() => void proxy.close())
    await once(proxy, 'listening')
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  }

  it(
    'a proxy that takes what is sent and hangs up costs nothing if it was once, though there was no answer before: what was published is published once',
    beside(async () => {
      const gateway = await node.start()
      try {
        const lost = await holdline(['pub', 'log', 'one'], { HOLDLINE_URL: await losing(1, gateway.url) })
        expect(lost).toMatchObject({ code: 0, err: expect.stringMatching(/trying again\nholdline: going on\n$/) })
        expect((await holdline(['history', 'log'], { HOLDLINE_URL: gateway.url })).out).toBe('one\n')
        const never = await holdline(['pub', 'log', 'two'], { HOLDLINE_URL: await losing(9, gateway.url) })
        expect([never.code, never.err]).toEqual([69, expect.stringMatching(/^holdline: nothing answers at /m)])
      } finally {
        await gateway.stop()
      }
    }),
  )
})
