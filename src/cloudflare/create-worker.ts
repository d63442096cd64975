import { Gate } from '../auth/gate.ts'
import { sharesFrom, sharesOf } from '../gateway/access/limits.ts'
import { gateOptions } from '../gateway/access/settings.ts'
import { createGateway } from '../gateway/app.ts'
import type { Runtime } from '../gateway/ports.ts'
import { payloadLimit } from '../protocol/data.ts'
import { Refusal } from '../protocol/errors.ts'
import { LIMITS } from '../protocol/limits.ts'
import { parseRetention, type Retention } from '../room/log/retention.ts'
import type { RoomLimits } from '../room/ports.ts'
import chat from '../web/chat.html'
import docs from '../web/docs.html'
import { Backend } from '../webhooks/backend.ts'
import { type WebhookEnv, webhookSettings } from '../webhooks/settings.ts'
import { hold } from './held-socket.ts'
import { edgePost } from './post.ts'
import type { RoomMethods } from './room-object.ts'
import { refuse, roomStub } from './room-stub.ts'

/** Bindings and variables of the worker, as wrangler.toml names them. */
export interface Env extends WebhookEnv {
  readonly ROOMS: DurableObjectNamespace<RoomMethods>
  readonly HOLDLINE_MAX_PAYLOAD?: string
  readonly HOLDLINE_PRESENCE_LIST?: string
  readonly HOLDLINE_RETENTION?: string
}

/** The stateless half: routes, and the polls and streams that it holds so that rooms can sleep. */
export function createWorker(): ExportedHandler<Env> {
  const app = createGateway<Env>(toRuntime)
  return { fetch: (request, env, ctx) => app.fetch(request, env, ctx) }
}

const toRuntime = (env: Env): Runtime => ({
  room: (name) => roomStub(env.ROOMS, name),
  gate: gateOf(env),
  ...(limitsOf(env).perAddress !== undefined && {
    address: (r: Request) => r.headers.get('cf-connecting-ip') ?? undefined,
  }),
  refuse,
  ...connecting(env),
  accept: hold,
  payloadLimit: limitsOf(env).payload,
  // Each re-poll wakes the room, so they are as rare as proxies allow.
  pollWait: 55,
  pages: { chat, docs },
  ready: () => readiness(env),
  report: (error) => console.error(error),
})

let made: { settings: string; gate: Gate } | undefined

/** One for all requests of this isolate, as it holds keys that were fetched. */
export function gateOf(env: Env): Gate {
  const settings = JSON.stringify(Object.entries(env).filter(([, value]) => typeof value === 'string'))
  if (made?.settings !== settings) made = { settings, gate: makeGate(env) }
  return made.gate
}

function makeGate(env: Env): Gate {
  try {
    sharesFrom({ ...env })
    return new Gate(gateOptions({ ...env }))
  } catch (error) {
    return new Gate({}, (error as Error).message)
  }
}

export const limitsOf = (env: Env): RoomLimits => ({
  payload: payloadLimit(env.HOLDLINE_MAX_PAYLOAD ? Number(env.HOLDLINE_MAX_PAYLOAD) : undefined),
  presence: env.HOLDLINE_PRESENCE_LIST ? Number(env.HOLDLINE_PRESENCE_LIST) : LIMITS.presenceList,
  ...(gateOf(env).mode !== 'unconfigured' && sharesOf(sharesFrom({ ...env }), gateOf(env).mode)),
})

const connecting = (env: Env): Pick<Runtime, 'connect'> => {
  try {
    const backend = backendOf(env)
    return backend === null ? {} : { connect: (visitor) => backend.connect(visitor) }
  } catch {
    // `readyz` says what is wrong; until it is put right nobody comes in.
    return { connect: async () => ({ refused: 'the gateway is not configured', isFinal: false }) }
  }
}

/** Made once for each set of bindings, since keys are imported for it. */
const backends = new WeakMap<WebhookEnv, Backend | null>()

/** Who is told of what happens; null: nobody. @throws Error that names the setting */
export function backendOf(env: WebhookEnv): Backend | null {
  const known = backends.get(env)
  if (known !== undefined) return known
  const settings = webhookSettings(env)
  const backend = settings === null ? null : new Backend(settings, edgePost(settings.mayBePrivate))
  backends.set(env, backend)
  return backend
}

/** What a room keeps (KEEP-1). @throws Error that names the setting */
export function keptBy(env: Pick<Env, 'HOLDLINE_RETENTION'>, room: string): Retention {
  try {
    return parseRetention(env.HOLDLINE_RETENTION ?? '')(room)
  } catch (error) {
    throw new Error(`HOLDLINE_RETENTION ${(error as Error).message}`)
  }
}

function readiness(env: Env): true | Refusal {
  try {
    keptBy(env, '')
    backendOf(env)
    return true
  } catch (error) {
    return new Refusal('unconfigured', (error as Error).message)
  }
}
