import { execFileSync, spawnSync } from 'node:child_process'

/** Can it be started? */
export const starts = (command: string, ...args: string[]): boolean => spawnSync(command, args).error === undefined

/** A command of Debian's, installed if it is missing and we may. @throws Error that says how */
export function need(what: string, packages: readonly string[], hasIt: () => boolean): void {
  if (hasIt()) return
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  try {
    execFileSync('apt-get', ['update'], { stdio: 'pipe' })
    execFileSync('apt-get', install, { stdio: 'pipe' })
  } catch (error) {
    throw new Error(`These tests need ${what}: apt-get install ${packages.join(' ')} (as root)`, { cause: error })
  }
  if (!hasIt()) throw new Error(`${packages.join(' ')} was installed, but there is no ${what}`)
}
