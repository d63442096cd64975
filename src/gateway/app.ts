import { cors } from 'hono/cors'
import { routePath } from 'hono/route'
import { Hono } from 'hono/tiny'
import type { Bearer } from '../auth/gate.ts'
import { Refusal } from '../protocol/errors.ts'
import { reporter } from '../protocol/journal.ts'
import { roomName } from '../protocol/names.ts'
import { admit } from './access/admit.ts'
import { HELD } from './access/enter.ts'
import { isHandshake, refuseHandshake } from './access/handshake.ts'
import { mayEnter } from './asking.ts'
import { publishMany } from './batch.ts'
import { history, info, publish } from './messages.ts'
import { metrics } from './metrics.ts'
import { pollRooms } from './multi/poll.ts'
import { sseRooms } from './multi/sse.ts'
import { websocketRooms } from './multi/websocket.ts'
import { named, REQUEST_ID, requestId, tellAnswered } from './observed.ts'
import { page } from './pages.ts'
import type { Runtime } from './ports.ts'
import { jsonText, problem, toProblem } from './respond.ts'
import { revoke } from './revoke.ts'
import { listRooms } from './rooms.ts'
import { disconnect, listSessions, oneSession, presence, sessionName, setPresence } from './sessions.ts'
import { poll, readPoll } from './transports/poll.ts'
import { sse } from './transports/sse.ts'
import { websocket } from './transports/websocket.ts'
import { deadLetters, resend } from './webhooks.ts'

interface Kind<Env> {
  Bindings: Env
  /** What the routes see of the runtime: as much as who asks may use of it. */
  Variables: { runtime: Runtime; bearer: Bearer; request: string }
}

/**
 * The whole HTTP face, on Hono's smallest preset: these routes are too much for its router of one expression, and of the
 * others the one of patterns is the fastest for them (0.8 µs a request, the trie 1.2; 2026-11), and 2 kB less. `runtimeOf` gives
 * what the request's runtime brings; on Node it is always the same.
 */
export function createGateway<Env extends object>(runtimeOf: (env: Env) => Runtime): Hono<Kind<Env>> {
  const app = new Hono<Kind<Env>>()
  const crossOrigin = cors({
    origin: (origin, c) => (runtimeOf(c.env).gate.allows(origin) ? origin : null),
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
    allowHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id', 'traceparent', REQUEST_ID],
    exposeHeaders: ['retry-after', 'www-authenticate', REQUEST_ID],
    maxAge: 86_400,
  })
  app.use(async (c, next) => {
    const started = Date.now()
    const id = requestId(c.req.raw.headers)
    c.set('request', id)
    await next()
    const runtime = runtimeOf(c.env)
    const { method, path } = c.req
    const isUpgrade = c.req.header('upgrade') !== undefined
    // Node has taken the socket over, and this stands for its 101.
    const status = isUpgrade && c.res.status === 204 ? 101 : c.res.status
    if (!isUpgrade) c.res.headers.set(REQUEST_ID, id)
    tellAnswered(runtime, { request: id, method, path, route: routePath(c, -1), status, started })
  })
  // Not on an upgrade: its response must leave as the runtime made it, and Hono would copy it to set a header.
  app.use('/v1/*', async (c, next) => {
    if (c.req.header('upgrade') || !c.req.header('origin')) return next()
    if (c.req.method === 'OPTIONS') return crossOrigin(c, next)
    // What is set before there is a response costs a copy of it.
    await next()
    await crossOrigin(c, async () => {})
  })
  app.use('/v1/*', async (c, next) => {
    // Hono answers HEAD by GET without its body: a held line that nobody would read.
    if (c.req.raw.method === 'HEAD' && HELD.test(c.req.path)) {
      throw new Refusal('bad_request', 'There is nothing to be held by HEAD; use GET')
    }
    const runtime = runtimeOf(c.env)
    try {
      const admitted = await admit(c.req.raw, c.req.path, (name) => c.req.query(name), named(runtime, c.get('request')))
      c.set('bearer', admitted.bearer)
      c.set('runtime', admitted.runtime)
    } catch (error) {
      if (!isHandshake(c.req.raw, c.req.path)) throw error
      return refuseHandshake(c.req.raw, error, runtime)
    }
    return next()
  })
  app.use('/openapi.json', crossOrigin)
  for (const open of ['/', '/docs', '/inspect', '/openapi.json']) {
    app.use(open, (c, next) => {
      runtimeOf(c.env).gate.checkSource(c.req.raw.headers)
      return next()
    })
  }
  app.get('/', async (c) => page(await runtimeOf(c.env).page('chat.html')))
  app.get('/docs', async (c) => page(await runtimeOf(c.env).page('docs.html')))
  app.get('/inspect', async (c) => page(await runtimeOf(c.env).page('inspect.html')))
  app.get('/openapi.json', async (c) => jsonText(await runtimeOf(c.env).page('openapi.json')))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/metrics', (c) => metrics(c.req.raw, runtimeOf(c.env)))
  app.get('/readyz', (c) => {
    const ready = runtimeOf(c.env).ready()
    if (ready !== true) throw ready
    return c.json({ status: 'ok' })
  })
  app.get('/v1/rooms', (c) => listRooms((name) => c.req.query(name), c.get('runtime'), c.get('bearer')))
  app.get('/v1/rooms/:room/ws', (c) =>
    websocket(c.req.raw, c.req.param('room'), (name) => c.req.query(name), c.get('runtime')),
  )
  app.get('/v1/rooms/:room/poll', (c) => {
    const { raw: request, path } = c.req
    const runtime = c.get('runtime')
    const host = runtimeOf(c.env)
    const asked = readPoll(roomName(c.req.param('room')), (name) => c.req.query(name), runtime)
    host.remember?.({ poll: asked, request, path, route: routePath(c, -1), bearer: c.get('bearer'), runtime, host })
    return poll(asked, request.signal, runtime)
  })
  app.get('/v1/rooms/:room/events', (c) => {
    const room = roomName(c.req.param('room'))
    const enters = (session: string) => mayEnter(runtimeOf(c.env), c.req.raw, room, session, c.get('bearer'))
    return sse(room, (name) => c.req.query(name), c.req.raw, c.get('runtime'), enters)
  })
  app.get('/v1/ws', (c) => websocketRooms(c.req.raw, (name) => c.req.query(name), c.get('runtime')))
  app.get('/v1/poll', (c) => pollRooms((name) => c.req.query(name), c.req.raw.signal, c.get('runtime')))
  app.get('/v1/events', (c) => sseRooms((name) => c.req.query(name), c.req.raw, c.get('runtime')))
  app.post('/v1/rooms/:room/messages', (c) => {
    const room = roomName(c.req.param('room'))
    return publish(c.req.raw, room, (name) => c.req.query(name), c.get('runtime'))
  })
  app.get('/v1/rooms/:room/messages', (c) => {
    const room = roomName(c.req.param('room'))
    return history(room, (name) => c.req.query(name), c.get('runtime').room(room))
  })
  app.post('/v1/revoke', (c) => revoke(c.req.raw, c.get('runtime'), c.get('bearer')))
  app.post('/v1/publish', (c) => publishMany(c.req.raw, (name) => c.req.query(name), c.get('runtime')))
  app.get('/v1/rooms/:room/presence', (c) => presence(c.get('runtime').room(roomName(c.req.param('room')))))
  app.put('/v1/rooms/:room/presence', (c) => {
    const room = roomName(c.req.param('room'))
    return setPresence(c.req.raw, room, (name) => c.req.query(name), c.get('runtime'))
  })
  app.get('/v1/rooms/:room/sessions', (c) =>
    listSessions((name) => c.req.query(name), c.get('runtime').room(roomName(c.req.param('room')))),
  )
  app.get('/v1/rooms/:room/sessions/:session', (c) =>
    oneSession(c.req.param('session'), c.get('runtime').room(roomName(c.req.param('room')))),
  )
  app.delete('/v1/rooms/:room/sessions/:session', (c) =>
    disconnect(c.req.param('session'), c.get('runtime').room(roomName(c.req.param('room')))),
  )
  app.post('/v1/rooms/:room/sessions/:session/messages', (c) => {
    const room = roomName(c.req.param('room'))
    const to = { sessions: [sessionName(c.req.param('session'))] }
    return publish(c.req.raw, room, (name) => c.req.query(name), c.get('runtime'), to)
  })
  app.get('/v1/rooms/:room/webhooks/dead', (c) =>
    deadLetters((name) => c.req.query(name), c.get('runtime').room(roomName(c.req.param('room')))),
  )
  app.post('/v1/rooms/:room/webhooks/dead/resend', (c) =>
    resend(undefined, c.get('runtime').room(roomName(c.req.param('room')))),
  )
  app.post('/v1/rooms/:room/webhooks/dead/:letter/resend', (c) =>
    resend(c.req.param('letter'), c.get('runtime').room(roomName(c.req.param('room')))),
  )
  app.get('/v1/rooms/:room', (c) => info(c.get('runtime').room(roomName(c.req.param('room')))))
  app.notFound((c) => problem('not_found', `There is no ${c.req.method} ${c.req.path}`))
  app.onError((error, c) => toProblem(error, reporter(runtimeOf(c.env).tell, { request: c.get('request') })))
  return app
}
