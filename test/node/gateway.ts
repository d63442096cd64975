import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../conformance/clients/ends.ts'
import { root, tcpAddresses } from '../targets/target.ts'

export interface Started {
  readonly base: string
  /** Where it takes TCP, if it does. */
  readonly tcp: string | undefined
  readonly child: ChildProcess
  readonly pid: number
  /** What it told the operator. */
  readonly said: () => string
  /** Ends by itself on SIGTERM; or at once on SIGKILL. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdline-node-'))
  atEnd(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Runs a gateway of its own, perhaps within a command that sets the stage and then becomes it. */
export async function start(
  env: Record<string, string>,
  within: readonly [command: string, ...args: string[]] | [] = [],
): Promise<Started> {
  const [command, ...args] = [...within, process.execPath, 'src/cli/start.ts'] as [string, ...string[]]
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', HOLDLINE_TCP_PORT: '0', ...env },
  })
  let said = ''
  child.stderr.on('data', (data) => {
    said += data
  })
  const end = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  atEnd(() => end('SIGKILL'))
  const [base, tcp] = await new Promise<string[]>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)))
    child.stdout.on('data', (data) => {
      const found = /(https?:\/\/\S+)(?: and (\S+))?\n/.exec(`${data}`)
      if (found !== null) resolve(found.slice(1))
    })
  })
  if (base === undefined) throw new Error('it named no address')
  if (tcp !== undefined) tcpAddresses.set(base, tcp)
  return { base, tcp, child, pid: child.pid as number, said: () => said, end }
}
