import { createGateway } from '../gateway/app.ts'
import type { Runtime } from '../gateway/ports.ts'
import { unconfigured } from '../gateway/unconfigured.ts'
import { reporter } from '../protocol/journal.ts'
import { hold } from './held-socket.ts'
import type { RoomMethods } from './room-object.ts'
import { refuse, roomStub } from './room-stub.ts'
import { checkedSetup, setupOf } from './setup.ts'
import { webPage } from './web-page.ts'

/** Bindings and variables of the worker, as wrangler.toml names them. */
export interface Env {
  readonly ROOMS: DurableObjectNamespace<RoomMethods>
  /** The folder of the pages, as assets. Without it there are none. */
  readonly PAGES?: Fetcher
  /** The network without private addresses, where the worker's own has them. */
  readonly PUBLIC_NETWORK?: Fetcher
  /** Settings: docs/configuration.md lists them. */
  readonly [name: `HOLDLINE_${string}`]: unknown
}

/** The stateless half: routes, and the polls and streams that it holds so that rooms can sleep. */
export function createWorker(): ExportedHandler<Env> {
  const app = createGateway<Env>(toRuntime)
  return {
    async fetch(request, env, ctx) {
      const { wrong } = await checkedSetup(env)
      return wrong === undefined ? app.fetch(request, env, ctx) : unconfigured(request, wrong, { refuse })
    },
  }
}

function toRuntime(env: Env): Runtime {
  const { gate, limits, backend, tell, bodyPatience } = setupOf(env)
  return {
    room: (name) => roomStub(env.ROOMS, name, tell),
    gate,
    // The platform always names it. Where nothing does, as at home, all count as one.
    ...(limits.perAddress !== undefined && { address: (r: Request) => r.headers.get('cf-connecting-ip') ?? '' }),
    refuse,
    ...(backend !== null && { connect: (...asked) => backend.connect(...asked) }),
    accept: hold,
    payloadLimit: limits.payload,
    bodyPatience,
    roomsPerConnection: limits.rooms,
    ...(limits.rate !== undefined && { rate: limits.rate }),
    // Each re-poll wakes the room, so they are as rare as proxies allow.
    pollWait: 55,
    page: (name) => webPage(env.PAGES, name),
    ready: () => true,
    tell,
    report: reporter(tell),
  }
}
