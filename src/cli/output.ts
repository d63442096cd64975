import { once } from 'node:events'
import { EXIT } from './exit.ts'

/** One line of what was asked for. Waits while whoever reads is slow. */
export async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
}

/** Whoever read has gone, as `head` does: there is nothing more to do, and nothing to say about it. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(EXIT.pipe)
    })
  }
}
