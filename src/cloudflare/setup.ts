import { Gate } from '../auth/gate.ts'
import { randomSecret } from '../auth/secrets.ts'
import { type Limits, limitsOf } from '../gateway/access/limits.ts'
import type { Tell } from '../protocol/journal.ts'
import type { Retention } from '../room/log/retention.ts'
import { checkSettings, type Read, readSettings } from '../settings/read.ts'
import { webhookSettings } from '../settings/webhooks.ts'
import { Backend } from '../webhooks/backend.ts'
import { turnsOfEdge } from '../webhooks/slots.ts'
import type { Env } from './create-worker.ts'
import { openLog } from './log.ts'
import { edgePost } from './post.ts'

/** What a deployment is set to do. */
export interface Setup {
  /** What is wrong with its settings, a line for each thing: it must serve nobody. */
  readonly wrong?: string
  readonly gate: Gate
  readonly limits: Limits
  /** LIMIT-5, seconds. */
  readonly bodyPatience: number
  /** What a room keeps (KEEP-1). */
  kept(room: string): Retention
  /** Who is told of what happens; null: nobody. */
  readonly backend: Backend | null
  readonly tell: Tell
}

/** Made once for an isolate, as keys are imported and fetched for it. */
const known = new WeakMap<Env, Setup>()
const checked = new WeakMap<Env, Promise<Setup>>()

export function setupOf(env: Env): Setup {
  const setup = known.get(env) ?? toSetup(readSettings({ ...env }, 'edge'), env)
  known.set(env, setup)
  return setup
}

/** The same, when also keys were tried. */
export function checkedSetup(env: Env): Promise<Setup> {
  const setup = checked.get(env) ?? check(env)
  checked.set(env, setup)
  return setup
}

async function check(env: Env): Promise<Setup> {
  const read = await checkSettings({ ...env }, 'edge')
  const setup = read.wrong === undefined ? setupOf(env) : toSetup(read, env)
  if (setup.wrong !== undefined)
    setup.tell('error', 'Holdline does not serve: its settings are wrong', { wrong: setup.wrong })
  known.set(env, setup)
  return setup
}

function toSetup({ wrong, settings }: Read, { PUBLIC_NETWORK }: Env): Setup {
  if (wrong !== undefined) return closed(wrong.join('\n'))
  const { access, limits, server, storage, webhooks, logging } = settings
  const tell = openLog(logging.level)
  const gate = new Gate({ ...access, tell })
  const backend = webhookSettings(webhooks)
  const bounds = limitsOf(limits, gate.mode)
  return {
    gate,
    limits: bounds,
    bodyPatience: server.requestTimeout,
    kept: storage.retention,
    backend:
      backend && new Backend(backend, edgePost(backend.mayBePrivate, PUBLIC_NETWORK), turnsOfEdge(), bounds, tell),
    tell,
  }
}

const EVERYTHING: Retention = { count: Number.MAX_SAFE_INTEGER, age: Number.MAX_SAFE_INTEGER }

/** Nobody has a key to it, and nothing is thrown away by rules that cannot be read. */
const closed = (wrong: string): Setup => ({
  wrong,
  gate: new Gate({ apiKeys: [randomSecret()] }),
  limits: limitsOf({}, 'locked'),
  bodyPatience: 1,
  kept: () => EVERYTHING,
  backend: null,
  tell: openLog(),
})
