import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { atEnd } from './ends.ts'

const hasIt = (): boolean => spawnSync('slowhttptest', ['-h']).error === undefined

/** Debian's slowhttptest, installed if it is missing and we may. @throws Error that says how */
export function needSlowhttptest(): void {
  if (hasIt()) return
  try {
    execFileSync('apt-get', ['update'], { stdio: 'pipe' })
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'slowhttptest'], { stdio: 'pipe' })
  } catch (error) {
    throw new Error('These tests need slowhttptest: apt-get install slowhttptest (as root)', { cause: error })
  }
  if (!hasIt()) throw new Error('slowhttptest was installed, but cannot be started')
}

/** What it made of a server: its last words, without their colours. */
export function slowhttptest(...args: string[]): Promise<string> {
  const child = spawn('slowhttptest', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  atEnd(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    child.once('close', () => resolve(output.replace(/\u001b\[[\d;]*[A-Za-z]/g, '')))
  })
}
