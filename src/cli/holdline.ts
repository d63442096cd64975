#!/usr/bin/env node
import { CommanderError } from 'commander'
import { EXIT, Fault } from './exit.ts'
import { endWithReader } from './output.ts'
import { program } from './program.ts'
import { note } from './terminal.ts'

/** Says why it failed, in one line; a stack trace is for a mistake of ours alone. */
function ended(error: unknown): void {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
  else {
    note(error instanceof Fault ? error.message : `${(error as Error).stack ?? error}`)
    process.exitCode = error instanceof Fault ? error.exit : EXIT.failed
  }
}

endWithReader()
await program().parseAsync().catch(ended)
