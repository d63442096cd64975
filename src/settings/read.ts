import { accessProblems, keyProblems } from './access.ts'
import { Unfit } from './kinds.ts'
import { ALL, FAMILIES, type Settings } from './list.ts'
import { nearest } from './nearest.ts'
import { serverProblems } from './server.ts'
import type { Family, Setting, Where } from './setting.ts'
import { webhookProblems } from './webhooks.ts'

/** What a runtime has been given: an environment, or the bindings of a worker. */
export type Variables = Readonly<Record<string, unknown>>

/** All that is wrong, a line for each; or else the settings. */
export type Read =
  | { readonly settings: Settings; readonly wrong?: never }
  | { readonly wrong: readonly string[]; readonly settings?: never }

/** Reads all settings at once. An empty one is not set. No line shows a secret. */
export function readSettings(variables: Variables, where: Where): Read {
  return toRead(collect(variables, where))
}

/** The same, when also keys were tried. */
export async function checkSettings(variables: Variables, where: Where): Promise<Read> {
  const { settings, wrong } = collect(variables, where)
  return toRead({ settings, wrong: [...wrong, ...(await keyProblems(settings.access))] })
}

interface Collected {
  /** Without those that are malformed. */
  readonly settings: Settings
  readonly wrong: readonly string[]
}

const toRead = ({ settings, wrong }: Collected): Read => (wrong.length > 0 ? { wrong } : { settings })

function collect(variables: Variables, where: Where): Collected {
  const given = new Map(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))
  const wrong: string[] = unknown(given)
  const malformed = new Set<Setting<unknown>>()
  const valuesOf = (family: Family): object => {
    const values: Record<string, unknown> = {}
    for (const [key, setting] of Object.entries(family)) {
      const one = readOne(setting, given.get(setting.name), where)
      if (one.wrong !== undefined) {
        wrong.push(one.wrong)
        malformed.add(setting)
      } else if (one.value !== undefined) values[key] = one.value
    }
    return values
  }
  const families = Object.entries(FAMILIES).map(([name, family]) => [name, valuesOf(family)])
  const settings = Object.fromEntries(families) as Settings
  // A malformed one has been named: that nobody could be told from anybody would be a second line about the same.
  if (!Object.values(FAMILIES.access).some((setting) => malformed.has(setting))) {
    wrong.push(...accessProblems(settings.access, where === 'node' ? settings.server.host : undefined))
  }
  if (where === 'node') wrong.push(...serverProblems((name) => given.has(name)))
  wrong.push(...webhookProblems(settings.webhooks, (name) => given.has(name)))
  return { settings, wrong }
}

type One = { readonly value: unknown; readonly wrong?: never } | { readonly wrong: string }

function readOne(
  { name, kind, only, secret, default: otherwise }: Setting<unknown>,
  given: unknown,
  where: Where,
): One {
  const isElsewhere = only !== undefined && only !== where
  // Elsewhere a name that is not ours alone, such as PORT, may be somebody else's.
  if (given === undefined || (isElsewhere && !isOurs(name))) {
    return { value: otherwise === undefined ? undefined : kind.read(otherwise) }
  }
  if (isElsewhere) return { wrong: `${name} has no effect on ${where === 'edge' ? 'the edge' : 'Node'}; take it away` }
  // `[vars]` may hold numbers, and a binding may be anything.
  if (typeof given !== 'string' && typeof given !== 'number') return { wrong: `${name} must be a text` }
  try {
    return { value: kind.read(`${given}`) }
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    const shown = secret || error.message === '' ? '' : `, not ${JSON.stringify(shortened(error.message))}`
    return { wrong: `${name} must be ${kind.says}${shown}` }
  }
}

const isOurs = (name: string): boolean => name.startsWith('HOLDLINE_')

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

function unknown(given: ReadonlyMap<string, unknown>): string[] {
  const names = ALL.map(({ name }) => name)
  return [...given]
    .filter(([name, value]) => isOurs(name) && !names.includes(name) && !isOrchestrators(name, value))
    .map(([name]) => {
      const meant = nearest(name, names)
      return `${name} is no setting${meant === undefined ? '' : `; did you mean ${meant}?`}`
    })
}

/**
 * Kubernetes and Docker tell each container of its neighbours: one that is called `holdline` would keep every gateway
 * from starting (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables, 2026-11).
 */
const isOrchestrators = (name: string, value: unknown): boolean =>
  /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name) || /^(tcp|udp|sctp):\/\//.test(`${value}`)
