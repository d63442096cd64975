import { EXIT } from './exit.ts'

/** The settings are wrong: a line for each thing that is. */
export class Misconfigured extends Error {
  constructor(lines: readonly string[]) {
    super(`its settings are wrong.\n${lines.map((line) => `  ${line}\n`).join('')}See docs/configuration.md.`)
    this.name = 'Misconfigured'
  }
}

/** Says why it did not start, and no more; ends with 78 if the settings are wrong, else with 1. */
export function fail(error: Error): void {
  console.error(`Holdline did not start: ${error.message}`)
  process.exitCode = error instanceof Misconfigured ? EXIT.config : EXIT.failed
}
