import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { node } from '../targets/node.ts'
import { call, wholeHistory } from './clients/http.ts'
import { Line } from './clients/tcp.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { Framed } from './clients/websocket.ts'
import { freshRoom, Gateway, range } from './suite.ts'

const CONNECTIONS = 12
const PER_ADDRESS = 4
const PER_ROOM = 3

// On Node alone, as TCP is.
const gateway = new Gateway(node)
beforeAll(() =>
  gateway.start({
    env: {
      ...LOCKED,
      HOLDLINE_TCP_CONNECTIONS: `${CONNECTIONS}`,
      HOLDLINE_CONNECTIONS_PER_ADDRESS: `${PER_ADDRESS}`,
      HOLDLINE_CONNECTIONS_PER_ROOM: `${PER_ROOM}`,
      HOLDLINE_RATE: '5',
      HOLDLINE_REQUEST_TIMEOUT: '3',
    },
  }),
)
afterAll(() => gateway.stop())

const keyed = { token: API_KEY }
/** From an address of its own, so that no test takes another's share. */
let addresses = 10
const from = (room: string, fields: object, address = `127.0.1.${++addresses}`) => {
  const line = Line.dial(gateway.url, address)
  line.send({ op: 'open', room, ...fields })
  return line
}

describe('who may enter by TCP, on node', () => {
  test.each([
    ['nothing', async () => ({}), 4501, 'unauthorized'],
    ['nonsense', async () => ({ token: 'x' }), 4501, 'unauthorized'],
    ['a token that is over', async () => ({ token: await token({ exp: -60 }) }), 4010, 'token_expired'],
    [
      'a token for another room',
      async () => ({ token: await token({ rooms: { x: ['subscribe'] } }) }),
      4503,
      'forbidden',
    ],
    [
      'one that may not be present',
      async () => ({ presence: 1, token: await token({ rooms: { '*': ['subscribe'] } }) }),
      4503,
      'forbidden',
    ],
  ])('TCP-8, AUTH-1, AUTH-3, AUTH-5 who shows %s is refused', async (_, fields, code, reason) => {
    const closing = await from(freshRoom(), await fields()).ended
    expect([closing?.code, `${closing?.reason}`.split(/\W/)[0]]).toEqual([code, reason])
    expect(closing?.retryAfter === undefined).toBe(code >= 4500)
  })

  test('TCP-8, AUTH-3, AUTH-6 a token lets in as far as it says, and an API key does', async () => {
    const room = freshRoom()
    const reader = await from(room, { token: await token({ rooms: { [room]: ['subscribe'] } }) }).greeting()
    expect(await reader.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'error', code: 'forbidden' })
    const backend = await from(room, keyed).greeting()
    expect(await backend.ask({ op: 'publish', data: 'by the backend' })).toMatchObject({ type: 'ack' })
    expect((await reader.messages(1))[0]?.payload).toBe('by the backend')
  })

  test('TCP-8, AUTH-8 it ends with its token, unless a fresh one came; what comes after that waits, the end too', async () => {
    const room = freshRoom()
    const brief = await token({ exp: -1 })
    const [stays, goes] = [await from(room, { token: brief }).greeting(), await from(room, { token: brief }).greeting()]
    const fresh = await token()
    expect(await stays.ask({ op: 'auth', token: fresh })).toMatchObject({ type: 'ack' })
    expect(await goes.ended).toMatchObject({ code: 4010, reason: 'token_expired', retryAfter: expect.any(Number) })
    const answers = ['a', 'b'].map((ref) => stays.answer(ref))
    stays.socket.end(`{"op":"auth","ref":"a","token":"${fresh}"}\n{"op":"publish","ref":"b","data":1}`)
    expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['ack', 'ack'])
    expect(await stays.ended).toBeUndefined()
  })

  test('TCP-8, AUTH-9 who is revoked is ended', async () => {
    const room = freshRoom()
    const line = await from(room, { token: await token({ sub: 'bob' }) }).greeting()
    const body = JSON.stringify({ user: 'bob', room })
    await call(`${gateway.url}/v1/revoke`, { method: 'POST', headers: bearer(API_KEY), body })
    expect(await line.ended).toMatchObject({ code: 4507, reason: 'revoked' })
  })

  test('LIMIT-1 more messages a second than it may are refused, who goes on is ended with 4011', async () => {
    const room = freshRoom()
    const line = await from(room, keyed).greeting()
    for (const ref of range(40)) line.send({ op: 'publish', ref, data: ref })
    expect(await line.ended).toMatchObject({ code: 4011, reason: 'rate', retryAfter: expect.any(Number) })
    const refused = line.inbox.waiting().filter(({ code }) => code === 'rate')
    expect(refused[0]).toMatchObject({ type: 'error', retryAfter: expect.any(Number) })
    expect((await wholeHistoryOf(room)).length).toBeLessThan(20)
  })

  test('TCP-7, LIMIT-3, LIMIT-4 the surplus of an address and of a room is told why, and leaves room when it goes', async () => {
    const address = '127.0.2.1'
    const held = [await from(freshRoom(), keyed, address).greeting()]
    const room = freshRoom()
    for (const _ of range(PER_ROOM)) held.push(await from(room, keyed, address).greeting())
    expect(await from(freshRoom(), keyed, address).ended).toMatchObject({
      code: 4011,
      reason: expect.stringContaining('address'),
    })
    expect(await from(room, keyed).ended).toMatchObject({ code: 4011, reason: 'room_full' })
    await held[0]?.close()
    await expect.poll(async () => (await from(freshRoom(), keyed, address).greeting()).welcome.type).toBe('welcome')
    for (const line of held) await line.close()
  })

  test('TCP-7 beyond HOLDLINE_TCP_CONNECTIONS one is told so, and WebSockets are not meant', async () => {
    const held: Line[] = []
    let surplus: Line | undefined
    while (surplus === undefined && held.length <= CONNECTIONS) {
      const line = from(freshRoom(), keyed)
      await line.greeting().then(
        () => held.push(line),
        () => {
          surplus = line
        },
      )
    }
    expect(await surplus?.ended).toMatchObject({
      code: 4011,
      reason: expect.stringContaining('all the TCP connections'),
      retryAfter: expect.any(Number),
    })
    await (await Framed.open(gateway.url, freshRoom(), { token: await token() })).close()
    for (const line of held) await line.close()
  })

  test('TCP-3, LIMIT-5 a first line that does not come in time is ended with 4004, also one that drips', async () => {
    const [silent, dripping] = [Line.dial(gateway.url, '127.0.3.1'), Line.dial(gateway.url, '127.0.3.2')]
    const drip = setInterval(() => dripping.socket.write(' '), 100)
    const began = Date.now()
    for (const line of [silent, dripping]) expect(await line.ended).toMatchObject({ code: 4004, reason: 'silent' })
    clearInterval(drip)
    expect(Date.now() - began).toBeLessThan(20_000)
  })

  const wholeHistoryOf = async (room: string) =>
    wholeHistory(gateway.url, room, { token: await token({ sub: 'reader' }) })
})

test('OPS-4 a TCP port that is taken keeps the gateway from starting', async () => {
  const other = createServer()
  await new Promise<void>((ready) => other.listen(0, '127.0.0.1', ready))
  const { port } = other.address() as { port: number }
  await expect(node.start({ env: { HOLDLINE_TCP_PORT: `${port}` } })).rejects.toThrow(/EADDRINUSE/)
  other.close()
})
