import { spawn } from 'node:child_process'
import { need, starts } from '../../needs.ts'
import { atEnd } from './ends.ts'

/** @throws Error that says how to install it */
export const needSlowhttptest = (): void => need('slowhttptest', ['slowhttptest'], () => starts('slowhttptest', '-h'))

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
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it colours its output, and each colour begins with one
    child.once('close', () => resolve(output.replace(/\u001b\[[\d;]*[A-Za-z]/g, '')))
  })
}
