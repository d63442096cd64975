import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { type Bearer, Gate, type GateOptions, openOn } from '../auth/gate.ts'
import { type Limits, limitsOf } from '../gateway/access/limits.ts'
import { verdictOf } from '../gateway/access/verdict.ts'
import { createGateway } from '../gateway/app.ts'
import type { Runtime } from '../gateway/ports.ts'
import { repollOf } from '../gateway/transports/repoll.ts'
import { Refusal } from '../protocol/errors.ts'
import { reporter, type Tell } from '../protocol/journal.ts'
import { frameLimit } from '../protocol/limits.ts'
import type { Retention } from '../room/log/retention.ts'
import { Room, type RoomClass } from '../room/room.ts'
import type { WebhookSettings } from '../webhooks/settings.ts'
import { Clients } from './clients.ts'
import { openLog } from './log.ts'
import { exposition } from './metrics/exposition.ts'
import { Readings } from './metrics/readings.ts'
import { Pipelines } from './pipelines.ts'
import { Repolls } from './repolls/repolls.ts'
import { Rooms } from './rooms.ts'
import type { Sync } from './sqlite/open.ts'
import { Streams } from './streams.ts'
import type { TcpServer } from './tcp/tcp-server.ts'
import { readCertificate } from './tls.ts'
import { isWebSocket, Upgrades } from './upgrade.ts'
import { webPage } from './web-page.ts'

/** How long a connection is kept on which nothing is asked (ms). */
const KEPT = 75_000
/** How long a client has to take its leave (ms). Twice this and FLUSH, and then some, is below the 10 s that supervisors give. */
const PATIENCE = 3000
/** How long what waits for the disk keeps those from being sent away who wait for it (ms). */
const FLUSH = 1500

export interface ServeOptions {
  /** What each room is: default `Room`, which passes messages on. */
  readonly room?: RoomClass
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 8787; 0 picks a free one. */
  readonly port?: number
  /** For raw TCP, on the same host; 0 picks a free one. Default: none, and there is no TCP. */
  readonly tcpPort?: number
  /** How many TCP clients there may be at once. Default 10,000. */
  readonly tcpConnections?: number
  /** PEM files of a certificate and its key, for HTTP and TCP alike. Default: none, and nothing is encrypted. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** The SQLite file, made if it is not there. Default `.holdline/rooms.db`; `:memory:` keeps nothing. */
  readonly data?: string
  /** What an acknowledgement survives: `normal` the death of the process, `full` that of the machine. Default `normal`. */
  readonly sync?: Sync
  /** How long a room with nobody in it stays in memory (ms). Default 30,000. */
  readonly idle?: number
  /** What a room keeps. Default: its newest 10,000 messages, for 7 days. */
  retention?(room: string): Retention
  /** The backend that is told of what happens. Default: none. */
  readonly webhooks?: WebhookSettings | null
  /** Who may enter. Default: everyone, but only from this machine. */
  readonly auth?: GateOptions
  /** How much each may do, and how many may be there. Defaults: see docs/configuration.md. */
  readonly limits?: Partial<Limits>
  /** Proxies whose `X-Forwarded-For` is believed: addresses or subnets. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Seconds in which a request must have come, whole. Default 30. */
  readonly requestTimeout?: number
  /** Offers permessage-deflate to WebSockets of one room. Default: no. */
  readonly compression?: boolean
  /** The most bytes of a request's headers. Default 16,384. */
  readonly maxHeader?: number
  /** Tells the operator. Default: a JSON object a line, on standard error. */
  readonly tell?: Tell
}

export interface Gateway {
  /** Where it listens, such as `http://127.0.0.1:8787`. */
  readonly url: string
  /** Where it takes TCP, such as `tcp://127.0.0.1:8788`, or `tls://…`; absent: nowhere. */
  readonly tcp?: string
  /** Sends everyone away with advice when to come back, answers what is held, and writes what waits (DRAIN-1). */
  close(): Promise<void>
}

/** Runs a gateway in this process. @throws if the address is taken or the file cannot be opened */
export async function serve(options: ServeOptions = {}): Promise<Gateway> {
  const { host = '127.0.0.1', port = 8787, data = '.holdline/rooms.db' } = options
  const readings = new Readings()
  const tell = counting(options.tell ?? openLog().tell, readings)
  const { webhooks = null, tls, tcpPort, tcpConnections = 10_000 } = options
  const certificate = tls && readCertificate(tls)
  const gate = await openGate(host, tell, options.auth)
  const limits = limitsOf(options.limits ?? {}, gate.mode)
  const backend = webhooks && (await import('./webhooks/backend.ts')).openBackend(webhooks, limits, tell)
  readings.backend = backend?.deliveries ?? null
  const clients = new Clients(options.trustedProxies ?? [], limits.perAddress)
  const addresses = new WeakMap<Request, string>()
  const isRevoked = (bearer: Bearer) => !bearer.mayAll && !bearer.isSession && rooms.isRevoked(bearer.identity)
  const rooms = new Rooms({
    verify: (room, token) => verdictOf(gate, isRevoked, room, token),
    file: data,
    room: options.room ?? Room,
    limits,
    ...(options.sync && { sync: options.sync }),
    ...(options.idle !== undefined && { idle: options.idle }),
    ...(options.retention && { kept: options.retention }),
    backend,
    tell,
    readings,
  })
  const upgrades = new Upgrades(
    { payload: limits.payload, compression: options.compression ?? false },
    reporter(tell),
    (code) => readings.tally.closed(code),
  )
  let isReady = true
  /** A room that shall hold a line: whoever came after everyone was sent away would never be. */
  const holding = (name: string) => {
    if (!isReady) throw new Refusal('draining', 'The gateway goes down; come back in a moment')
    return rooms.get(name)
  }
  const runtime: Runtime = {
    room: (name) => ({
      command: (command) => rooms.get(name).command(command),
      dial: (hello, leg) => holding(name).dial(hello, leg),
      upgrade: async (request, hello, protocol) => upgrades.accept(request, holding(name), hello, protocol),
    }),
    gate,
    list: (query) => rooms.list(query),
    revocations: { has: isRevoked, add: (revocations) => rooms.revoke(revocations) },
    ...(limits.perAddress !== undefined && { address: (request: Request) => addresses.get(request) }),
    ...(backend !== null && { connect: (...asked) => backend.connect(...asked) }),
    refuse: upgrades.refuse,
    accept: upgrades.hold,
    payloadLimit: limits.payload,
    roomsPerConnection: limits.rooms,
    ...(limits.rate !== undefined && { rate: limits.rate }),
    pollWait: 25,
    stream: (request, open) => streams.begin(request, open),
    remember: (poll) => repolls.remember(poll),
    page: webPage,
    ready: () => {
      if (!isReady) return new Refusal('draining', 'The gateway takes no more work')
      return rooms.outage === undefined || new Refusal('storage', `The log cannot be written: ${rooms.outage}`)
    },
    tell,
    report: reporter(tell),
    answered: (route, status) => readings.answered(route, status),
    metrics: exposition(readings, () => ({ ...rooms.look(), isReady: runtime.ready() === true })),
  }
  const app = createGateway(() => runtime)
  const answer = (request: Request, incoming: IncomingMessage) => {
    const address = clients.addressOf(incoming.socket, request.headers.get('x-forwarded-for'))
    if (address !== undefined) addresses.set(request, address)
    return app.fetch(request)
  }
  const pipelines = new Pipelines()
  const { requestTimeout = 30, maxHeader = 16_384 } = options
  const streams = new Streams()
  const repolls = new Repolls({ repollOf, most: maxHeader, patience: KEPT })
  const headersTimeout = Math.min(requestTimeout, 10) * 1000
  const server = createAdaptorServer({
    fetch: (request, { incoming, outgoing }) => {
      const [asked, response] = [incoming as IncomingMessage, outgoing as ServerResponse]
      if (!pipelines.take(asked, response)) return new Response(null, { status: 429 })
      // Polls and streams are held, and nothing else.
      if (asked.method !== 'GET') return answer(request, asked)
      return repolls.watch(request, asked, response, async () =>
        streams.send(request, response, await answer(request, asked)),
      )
    },
    ...(certificate && { createServer: createSecureServer }),
    serverOptions: {
      ...certificate,
      handshakeTimeout: headersTimeout,
      shouldUpgradeCallback: isWebSocket,
      // What is held has come whole: these end only who drips (LIMIT-5).
      headersTimeout,
      requestTimeout: requestTimeout * 1000,
      connectionsCheckingInterval: 1000,
      // Longer than proxies keep theirs (nginx and AWS: 60 s): a publish on one that ends just then would be lost, and with
      // Node's 5 s that came up (2026-11).
      keepAliveTimeout: KEPT,
      maxHeaderSize: maxHeader,
    } as ServerOptions,
  }) as Server
  clients.watch(server, certificate !== undefined)
  repolls.listen(server)
  upgrades.listen(server, answer)
  const listenTcp = async (tcpPort: number): Promise<TcpServer> =>
    (await import('./tcp/open.ts')).openTcp(tcpPort, host, runtime, {
      clients,
      connections: tcpConnections,
      most: frameLimit(limits.payload),
      firstMost: maxHeader,
      patience: headersTimeout,
      report: reporter(tell),
      ...(certificate && { certificate }),
    })
  const lines = await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
    .then(() => (tcpPort === undefined ? undefined : listenTcp(tcpPort)))
    .catch(async (error) => {
      server.close()
      await rooms.close()
      throw error
    })
  return {
    url: toUrl(certificate ? 'https' : 'http', server.address() as AddressInfo),
    ...(lines && { tcp: toUrl(certificate ? 'tls' : 'tcp', lines.address) }),
    close: async () => {
      isReady = false
      const { connections, rooms: inMemory } = rooms.look()
      tell('info', 'Everyone is sent away, and the gateway goes down', { rooms: inMemory, connections })
      // Node's HTTP would cut off those at once that ask nothing of it, and they may hold a poll that is to be answered.
      const stopped = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
      await rooms.drain(late(FLUSH))
      upgrades.drain()
      lines?.drain()
      const told = Promise.race([rooms.stopTelling(), late(2 * PATIENCE)])
      const answered = Promise.race([repolls.answered(), late(PATIENCE)])
      await Promise.all([upgrades.closed(PATIENCE), lines?.closed(PATIENCE), answered])
      server.closeIdleConnections()
      // Polls and streams have been answered; who has not taken its answer by now will not.
      setTimeout(() => {
        server.closeAllConnections()
        upgrades.cut()
      }, PATIENCE).unref()
      await stopped
      await told
      await rooms.close()
      tell('info', 'The gateway is down')
    },
  }
}

/** Errors are counted where they are told. */
const counting =
  (tell: Tell, readings: Readings): Tell =>
  (level, what, facts) => {
    if (level === 'error') readings.errors++
    tell(level, what, facts)
  }

const late = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })

/** @throws Error that says what to set, if strangers could come and nobody could be told from anybody */
async function openGate(host: string, tell: Tell, options: GateOptions = {}): Promise<Gate> {
  const gate = new Gate({ tell, ...openOn(host, options) })
  if (gate.mode === 'everyone') tell('warn', 'HOLDLINE_OPEN=1: whoever can reach this gateway may do everything')
  await gate.ready()
  return gate
}

const toUrl = (scheme: string, { address, family, port }: AddressInfo): string =>
  `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
