import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { atEnd } from '../conformance/clients/ends.ts'
import { root } from '../targets/target.ts'

export const SCRIPT = `${root}/src/cli/holdline.ts`

export interface Ended {
  /** Or the signal that it died of. */
  readonly code: number | NodeJS.Signals
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  /** When it has ended by itself. */
  readonly ended: Promise<Ended>
  /** What it has said so far. */
  readonly said: () => string
  /** Resolves when its output has this in it. */
  says(what: string | RegExp): Promise<void>
}

/** Begins `holdline …`, its three streams being pipes. */
export function begin(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [SCRIPT, ...args], { env: { ...process.env, ...env }, cwd: root })
  atEnd(() => void child.kill('SIGKILL'))
  let said = ''
  let wake = (): void => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
      wake()
    })
  }
  const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]).then(([[code, signal], out, err]) => ({
    code: code ?? (signal as NodeJS.Signals),
    out,
    err,
  }))
  const says = async (what: string | RegExp): Promise<void> => {
    while (typeof what === 'string' ? !said.includes(what) : !what.test(said)) {
      await new Promise<void>((woken) => {
        wake = woken
      })
    }
  }
  return { child, ended, said: () => said, says }
}

/** Runs it to its end, with this on its standard input. */
export function holdline(args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ended> {
  const { child, ended } = begin(args, env)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return ended
}

/** Runs a line of bash, in which `holdline` is the command. */
export async function shell(line: string, env: Record<string, string> = {}): Promise<Ended> {
  const script = `holdline() { "${process.execPath}" "${SCRIPT}" "$@"; }; ${line}`
  const child = spawn('bash', ['-c', script], {
    env: { ...process.env, ...env },
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code ?? signal, out, err }
}

/** Runs it on a terminal, as util-linux's `script` makes one: its output and its errors, as they came. */
export async function onTerminal(args: readonly string[], env: Record<string, string>, input = ''): Promise<Ended> {
  const line = [process.execPath, SCRIPT, ...args].map((word) => `'${word}'`).join(' ')
  const command = input === '' ? line : `printf '${input}' | ${line}`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm-256color', ...env },
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code ?? signal, out, err }
}
