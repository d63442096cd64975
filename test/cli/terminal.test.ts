import { beforeAll, expect, it } from 'vitest'
import { node } from '../targets/node.ts'
import { shared } from '../targets/shared.ts'
import type { Running } from '../targets/target.ts'
import { holdline, onTerminal } from './run.ts'

const ESC = '\u001b'

let gateway: Running
let env: Record<string, string>
beforeAll(async () => {
  gateway = await shared(node)
  env = { HOLDLINE_URL: gateway.url }
})

it('colours on a terminal, and none in a pipe, nor where NO_COLOR is set', async () => {
  const [terminal, plain, pipe] = await Promise.all([
    onTerminal(['doctor'], env),
    onTerminal(['doctor'], { ...env, NO_COLOR: '1' }),
    holdline(['doctor'], env),
  ])
  expect(terminal.out).toContain(`${ESC}[32mok     ${ESC}[39m  reach`)
  expect([plain.out, pipe.out].map((out) => out.includes(ESC))).toEqual([false, false])
  expect([terminal.code, plain.code, pipe.code]).toEqual([0, 0, 0])
})

it('pub says on a terminal how far it has come, and in a pipe nothing', async () => {
  const { out, code } = await onTerminal(['pub', 'log', '-'], env, 'a\\nb\\nc\\n')
  expect([code, out]).toEqual([0, expect.stringContaining('\r3 published')])
})

it('what strangers wrote does not command a terminal, and a pipe gets it as it is', async () => {
  await holdline(['pub', 'rude', `${ESC}]0;owned\u0007bell`], env)
  const { out } = await onTerminal(['history', 'rude'], env)
  expect(out.trim()).toBe('\\u001b]0;owned\\u0007bell')
  expect((await holdline(['history', 'rude'], env)).out).toBe(`${ESC}]0;owned\u0007bell\n`)
})

it('sub tells on a terminal that it is connected, and who has a head', async () => {
  await holdline(['pub', 'tty', 'hello'], env)
  const { out } = await onTerminal(['sub', 'tty', '--rewind', '1', '--count', '1'], env)
  expect(out).toContain('connected by websocket')
  expect(out).toContain('hello\r\n')
  expect((await onTerminal(['who', 'tty'], { ...env, NO_COLOR: '1' })).out).toMatch(
    /^session +user +connections +present +state/,
  )
})
