import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openLog, readable } from '../../src/node/log.ts'
import { LEVELS, redacted } from '../../src/protocol/journal.ts'
import { call, postJson, say, url } from '../conformance/clients/http.ts'
import { API_KEY, bearer, LOCKED, SECRET, token } from '../conformance/clients/tokens.ts'
import { Framed, socketUrl } from '../conformance/clients/websocket.ts'
import { freshRoom, freshSecret } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { SECRET as HOOK_SECRET } from '../webhooks/backend.ts'
import { type Started, start } from './gateway.ts'

const MEMORY = { HOLDLINE_DATA: ':memory:' }

const linesOf = ({ said }: Started) =>
  said()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

it('a line is a JSON object, with its time and its level; start and stop are told', async () => {
  const gateway = await start(MEMORY)
  await say(gateway.base, freshRoom(), 1)
  await gateway.end()
  const lines = linesOf(gateway)
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['info', 'The gateway listens'],
    ['info', 'Everyone is sent away, and the gateway goes down'],
    ['info', 'The gateway is down'],
  ])
  for (const { time } of lines) expect(Date.parse(`${time}`)).toBeGreaterThan(Date.now() - 60_000)
  expect(lines[0]?.url).toBe(gateway.base)
})

it('HOLDLINE_LOG_LEVEL=debug has a line for each request, by the name that it was answered with; warn has none', async () => {
  const gateway = await start({ ...MEMORY, HOLDLINE_LOG_LEVEL: 'debug' })
  const room = freshRoom()
  const { headers } = await postJson(gateway.base, room, { data: 1 })
  const request = headers.get('x-request-id')
  await eventually('it is told', () => linesOf(gateway).some((line) => line.request === request))
  expect(linesOf(gateway).find((line) => line.request === request)).toMatchObject({
    level: 'debug',
    method: 'POST',
    path: `/v1/rooms/${room}/messages`,
    status: 201,
  })
  const quiet = await start({ ...MEMORY, HOLDLINE_LOG_LEVEL: 'warn' })
  await call(`${quiet.base}/nowhere`)
  await quiet.end()
  expect(quiet.said()).toBe('')
})

it('TCP-8 a TCP client has a name in the log too, from its first line to its end, and so has one that is refused', async () => {
  const gateway = await start({ ...MEMORY, HOLDLINE_LOG_LEVEL: 'debug' })
  const room = freshRoom()
  const port = Number(new URL(`${gateway.tcp}`).port)
  const [good, bad] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  for (const socket of [good, bad]) socket.resume()
  good.end(`{"op":"open","room":"${room}"}\n`)
  bad.end('{"op":"open","room":"not a room"}\n')
  const about = (msg: string) => linesOf(gateway).filter((line) => line.msg === msg)
  await eventually('the one is gone', () => about('A TCP client is gone').length === 1)
  await eventually('both are told of', () => about('A TCP client was answered').length === 2)
  const [came, refused] = [undefined, 'bad_room'].map((code) =>
    about('A TCP client was answered').find((line) => line.code === code),
  )
  expect(came).toMatchObject({ level: 'debug', request: expect.stringMatching(/^[\w-]{22}$/), room })
  expect(about('A TCP client is gone')).toMatchObject([{ request: came?.request, room }])
  expect(refused?.request).not.toBe(came?.request)
})

it('no secret is ever logged, whichever way it came, at whatever level', async () => {
  const gateway = await start({
    ...MEMORY,
    ...LOCKED,
    HOLDLINE_LOG_LEVEL: 'debug',
    HOLDLINE_WEBHOOK_URL: 'http://user:hunter22@127.0.0.1:9/hook',
    HOLDLINE_WEBHOOK_SECRET: HOOK_SECRET,
    HOLDLINE_WEBHOOK_PRIVATE: '1',
    HOLDLINE_ASK_CONNECT: 'asked:*',
    HOLDLINE_JWT_JWKS_URL: 'http://user:hunter22@127.0.0.1:9/keys',
  })
  const { base } = gateway
  const room = freshRoom()
  const good = await token({ rooms: { '*': ['subscribe', 'publish'] } })
  const [bad, stranger] = ['not-a-token-but-a-secret', await token({ exp: -60 }, `${SECRET} of another`)]
  const resume = freshSecret()
  for (const secret of [good, bad, stranger]) {
    for (const path of ['/poll', '/events', '/messages', '/ws', '/nothing']) {
      await call(url(base, room, path, { token: secret, resume, wait: 0, cursor: '0-0' }), {
        signal: AbortSignal.timeout(1500),
      }).catch(() => {})
      await call(url(base, room, path), { headers: bearer(secret), signal: AbortSignal.timeout(1500) }).catch(() => {})
    }
    await postJson(base, room, { data: 1 }, { headers: bearer(secret), query: { resume } })
    await postJson(base, room, '{"data":', { headers: { ...bearer(secret), 'x-request-id': 'mine' } })
    const socket = new WebSocket(socketUrl(base, room), ['holdline.v1', `holdline.token.${secret}`])
    await new Promise((resolve) => socket.once('close', resolve).once('message', resolve).once('error', resolve))
    socket.terminate()
  }
  await call(url(base, `asked:${room}`, '/poll', { token: good, resume }))
  await postJson(base, room, { data: 1 }, { headers: bearer(API_KEY) })
  await call(`${base}/metrics`, { headers: bearer(API_KEY) })
  const framed = await Framed.open(base, room, { token: good })
  await framed.ask({ op: 'auth', token: stranger })
  await eventually('the backend was missed', () => gateway.said().includes('The backend did not take'))
  await gateway.end()
  expect(linesOf(gateway).length).toBeGreaterThan(30)
  const secrets = [good, bad, stranger, resume, API_KEY, SECRET, HOOK_SECRET, 'hunter22', framed.welcome.resume]
  for (const secret of secrets) expect(gateway.said()).not.toContain(secret)
})

it('the last fence takes secrets out of whatever is to be written', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl'
  const lines: string[] = []
  const { tell } = openLog({ to: { write: (line) => void lines.push(line) } })
  const error = new Error(`GET /v1/ws?token=${jwt}&resume=0123456789012345678901&x=1 failed`)
  tell('error', 'It failed', { error, header: `Bearer ${jwt}`, offered: `holdline.v1, holdline.token.${jwt}`, jwt })
  tell('warn', 'It failed', { secret: HOOK_SECRET, url: 'https://user:hunter22@backend.example/hook' })
  expect(lines).toHaveLength(2)
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
  expect(lines.join('')).not.toMatch(/eyJ|0123456789|hunter22|c2lnbmF0dXJl/)
  expect(lines.join('')).not.toContain(HOOK_SECRET)
  expect(lines[0]).toContain('&x=1 failed')
  expect(redacted('A room called lobby, at https://app.example/a@b?x=1')).toBe(
    'A room called lobby, at https://app.example/a@b?x=1',
  )
})

it('an error is told with all that is known of it, and on a terminal so that people can read it', () => {
  const lines: string[] = []
  const { tell } = openLog({ level: 'info', to: { write: (line) => void lines.push(line) } })
  const error = new Error('outer', { cause: new Error('inner') })
  for (const level of LEVELS) tell(level, `a ${level}`, { room: 'lobby', ...(level === 'error' && { error }) })
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(['info', 'warn', 'error'])
  expect(JSON.parse(lines[2] as string).error).toMatchObject({ type: 'Error', message: 'outer: inner' })
  expect(readable(lines[1] as string)).toMatch(/^\d\d:\d\d:\d\d warn {2}a warn room="lobby"\n$/)
  expect(readable(lines[2] as string)).toMatch(/ error a error room="lobby"\nError: outer\n.*caused by: Error: inner/s)
  tell('error', 'thrown was no error', { error: 'a text' })
  expect(readable(lines[3] as string)).toContain('a text')
})

it('who does not read the log stops nobody', async () => {
  const gateway = await start({ ...MEMORY, HOLDLINE_LOG_LEVEL: 'debug' })
  gateway.child.stderr?.pause()
  const path = `/v1/rooms/${'r'.repeat(128)}/presence`
  const many = Array.from({ length: 50 }, () => call(gateway.base + path))
  for (let round = 0; round < 40; round++) await Promise.all([...many.splice(0), call(gateway.base + path)])
  expect((await call(`${gateway.base}/healthz`)).http).toBe(200)
})
