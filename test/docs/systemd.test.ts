import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkSettings } from '../../src/settings/read.ts'
import { freePort } from '../php/php.ts'
import { root } from '../targets/target.ts'
import { snippets } from './snippets.ts'

const [unit = '', environment = ''] = snippets
  .filter(({ page, language }) => page === 'docs/systemd.md' && language === 'ini')
  .map(({ code }) => code)

/** The unit as it would be for the project in this folder. */
const here = unit.replaceAll('/opt/holdline', root)

/** What the unit says by that name, in order. */
const valuesOf = (name: string): string[] =>
  [...here.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value as string)

function written(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdline-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'holdline.service')
  writeFileSync(file, here)
  return file
}

const variables = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(lines.flatMap((line) => line.split(' ')).map((pair) => pair.split(/=(.*)/s).slice(0, 2)))

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

test('every line of the unit is a section, a comment or a value', () => {
  const lines = here.split('\n').filter((line) => !/^(\[\w+\]|#.*|[A-Z]\w*=.*|)$/.test(line))
  expect(lines).toEqual([])
  expect(valuesOf('RestartPreventExitStatus')).toEqual(['78'])
})

test.runIf(hasSystemd)(
  'systemd finds nothing wrong with the unit, and little that it exposes (where there is systemd)',
  () => {
    const file = written()
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    // A tenth of what a unit with no such lines has.
    const exposed = execFileSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', file], {
      encoding: 'utf8',
    })
    const [, level] = /exposure level for .*: ([\d.]+)/.exec(exposed) ?? []
    expect(Number(level)).toBeLessThan(2)
  },
)

test('its commands start a gateway, wait until it is ready, and stop it in time', async () => {
  const data = mkdtempSync(join(tmpdir(), 'holdline-state-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const port = `${await freePort()}`
  const own = variables(valuesOf('Environment').map((line) => line.replaceAll('%S', data)))
  const [command = '', ...args] = valuesOf('ExecStart')[0]?.split(' ') ?? []
  const env = { PATH: process.env.PATH, ...own, ...variables(environment.trim().split('\n')), PORT: port }
  const gateway = spawn(command, args, { cwd: valuesOf('WorkingDirectory')[0], env, stdio: 'ignore' })
  const gone = once(gateway, 'exit')
  onTestFinished(() => void gateway.kill('SIGKILL'))
  const [check = '', ...rest] = (valuesOf('ExecStartPost')[0] ?? '').replace('8787', port).split(' ')
  const waiting = spawn(check, rest, { stdio: 'ignore' })
  expect(await once(waiting, 'exit')).toEqual([0, null])
  const began = Date.now()
  gateway.kill('SIGTERM')
  expect(await gone).toEqual([0, null])
  expect(Date.now() - began).toBeLessThan(Number(valuesOf('TimeoutStopSec')[0]) * 1000)
})

test('the environment in the docs is one that a gateway takes', async () => {
  const { wrong } = await checkSettings(variables(environment.trim().split('\n')), 'node')
  expect(wrong ?? []).toEqual([])
})
