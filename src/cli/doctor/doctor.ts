import { checkSettings } from '../../settings/read.ts'
import { reasonOf } from '../api.ts'
import { EXIT, Fault } from '../exit.ts'
import { print } from '../output.ts'
import { paint, shown } from '../terminal.ts'
import { type WhereOptions, where } from '../where.ts'
import { access, headers } from './access.ts'
import { type Finding, ok, wrong } from './finding.ts'
import { freshRoom, type Patient } from './patient.ts'
import { poll } from './poll.ts'
import { reach, ready } from './reach.ts'
import { sse } from './sse.ts'
import { websocket } from './websocket.ts'

export interface DoctorOptions extends WhereOptions {
  readonly room?: string
  readonly origin?: string
  readonly config?: true
  readonly slow?: true
  readonly json?: true
}

/** `holdline doctor`. @throws Fault if anything is wrong */
export async function doctor({ json, ...options }: DoctorOptions): Promise<void> {
  const there = where(options)
  const { room = freshRoom(), origin } = options
  const patient = { url: there.url, token: there.token(), room, origin }
  let count = 0
  for await (const finding of look(patient, options)) {
    if (finding.verdict === 'wrong') count++
    await print(json ? JSON.stringify(finding) : textOf(finding))
  }
  if (count > 0)
    throw new Fault(EXIT.failed, `${count} ${count === 1 ? 'thing is' : 'things are'} wrong with ${there.url}`)
}

/** One after the other, each as soon as it is known. What takes long runs at once. */
async function* look(patient: Patient, { config, slow }: DoctorOptions): AsyncGenerator<Finding> {
  if (config) yield* await configuration()
  const { findings, isThere } = await reach(patient)
  yield* findings
  if (!isThere) return
  yield await safely('ready', ready(patient))
  const entered = await safely('access', access(patient))
  yield entered
  if (entered.verdict === 'wrong') return
  for (const finding of await headers(patient).catch((error) => [wrong('headers', reasonOf(error))])) yield finding
  const transports = { websocket, sse, poll }
  const running = Object.entries(transports).map(([name, check]) => safely(name, check(patient, slow === true)))
  for (const finding of running) yield await finding
}

/** Whatever a proxy answers, the others are looked at too. */
const safely = (check: string, finding: Promise<Finding>): Promise<Finding> =>
  finding.catch((error) => wrong(check, reasonOf(error)))

async function configuration(): Promise<readonly Finding[]> {
  const { wrong: lines = [] } = await checkSettings(process.env, 'node')
  if (lines.length === 0) return [ok('settings', 'those of this environment are right')]
  return lines.map((line) => wrong('settings', line, 'See docs/configuration.md.'))
}

const STYLES = { ok: 'green', warning: 'yellow', wrong: 'red', skipped: 'dim' } as const

function textOf({ check, verdict, found, advice }: Finding): string {
  const head = `${paint(process.stdout, STYLES[verdict], verdict.padEnd(7))}  ${check.padEnd(9)}  ${shown(process.stdout, found)}`
  return advice === undefined ? head : `${head}\n${' '.repeat(20)}${advice}`
}
