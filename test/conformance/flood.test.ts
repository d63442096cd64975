import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { targets } from '../targets/index.ts'
import { workerd } from '../targets/workerd.ts'
import { atEnd, beside } from './clients/ends.ts'
import { postJson, url } from './clients/http.ts'
import { FRAMED_HEADER, handshake, RawClient } from './clients/raw.ts'
import { API_KEY, bearer, LOCKED } from './clients/tokens.ts'
import { inWaves } from './clients/waves.ts'
import { freshRoom, range } from './suite.ts'

const [node] = targets
/** Where the crowd comes from: the test itself, which is at 127.0.0.1, is none of it. */
const CROWDED = '127.0.0.3'
/** What one address may have here. */
const LIMIT = 200
const SURPLUS = 9800

/** Publishes over a connection of its own, from that address. */
function publishFrom(localAddress: string, base: string, room: string, data: unknown): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { ...bearer(API_KEY), 'content-type': 'application/json' }
    const agent = new Agent()
    const sent = request(url(base, room, '/messages'), { method: 'POST', localAddress, agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ data }))
  })
}

/** What a connection hears that sends nothing, until it is ended. Bare, since there are thousands. */
function heardBy(base: string): Promise<string> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect({ host: hostname, port: Number(port), localAddress: CROWDED }).setEncoding('utf8')
    socket.on('data', (text) => {
      heard += text
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
  })
}

test('LIMIT-3 10,000 connections from one address: the surplus is 429 `rate`, others never notice; on node', async () => {
  const running = await node?.start({ env: { ...LOCKED, HOLDLINE_CONNECTIONS_PER_ADDRESS: `${LIMIT}` } })
  atEnd(() => running?.stop())
  const base = `${running?.url}`
  const room = freshRoom()
  const headers = { ...FRAMED_HEADER, ...bearer(API_KEY) }
  const other = new RawClient(base, '127.0.0.2')
  other.write(handshake(base, room, headers))
  await other.until('welcome')
  let said = 0
  const meanwhile = async () => expect(await publishFrom('127.0.0.2', base, room, ++said)).toBe(201)
  const holds: RawClient[] = []
  const answers = new Map<string, number>()
  try {
    // In another room, as what is said in theirs is for all of them.
    const elsewhere = freshRoom()
    await inWaves(
      LIMIT,
      async () => {
        const client = new RawClient(base, CROWDED)
        holds.push(client)
        client.write(handshake(base, elsewhere, headers))
        await client.until('welcome')
      },
      meanwhile,
    )
    await inWaves(
      SURPLUS,
      async () => {
        const answer = await heardBy(base)
        const [status] = answer.split('\r\n')
        const said = `${status} ${/"code":"(\w+)"/.exec(answer)?.[1]}`
        answers.set(said, (answers.get(said) ?? 0) + 1)
      },
      meanwhile,
    )
    expect(answers).toEqual(new Map([['HTTP/1.1 429 Too Many Requests rate', SURPLUS]]))
    expect(holds.every(({ socket }) => !socket.destroyed)).toBe(true)
    const heard = await other.until(`"data":${said}`)
    expect([...heard.matchAll(/"data":(\d+)/g)].map(([, n]) => Number(n))).toEqual(range(said, 1))
    // Who leaves makes room.
    for (const { socket } of holds.slice(0, 10)) socket.destroy()
    await expect.poll(() => publishFrom(CROWDED, base, room, 0).catch(() => 0)).toBe(201)
  } finally {
    for (const { socket } of holds) socket.destroy()
  }
})

test.each(targets)(
  'LIMIT-3 all addresses of an IPv6 network count as one, others never notice; on $name',
  async (target) => {
    const isNode = target.name === 'node'
    const proxies = { HOLDLINE_TRUSTED_PROXIES: '127.0.0.1' }
    const env = { ...LOCKED, HOLDLINE_CONNECTIONS_PER_ADDRESS: '5', ...(isNode && proxies) }
    const running = await target.start({ env })
    atEnd(() => running.stop())
    const room = freshRoom()
    const come = async (address: string) => {
      const client = new RawClient(running.url)
      const whence = isNode ? { 'x-forwarded-for': `192.0.2.1, ${address}` } : { 'cf-connecting-ip': address }
      client.write(handshake(running.url, room, { ...FRAMED_HEADER, ...bearer(API_KEY), ...whence }))
      const first = await client.until('"type"')
      if (first.includes('welcome')) return 'welcome'
      // WS-8: on both runtimes it is told, and when to come back.
      return /"code":4011.*"retryAfter":\d/.exec(first) !== null ? '4011' : first
    }
    const answers: string[] = []
    for (const i of range(8)) answers.push(await come(`2001:db8:0:7:${i}::${i}`))
    expect(answers).toEqual([...Array(5).fill('welcome'), ...Array(3).fill('4011')])
    expect([await come('2001:db8:0:8::1'), await come('::ffff:198.51.100.1'), await come('198.51.100.2')]).toEqual(
      Array(3).fill('welcome'),
    )
  },
)

test('LIMIT-3 on workerd, where nothing names addresses, all count as one', async () => {
  const running = await workerd.start({ env: { ...LOCKED, HOLDLINE_CONNECTIONS_PER_ADDRESS: '2' } })
  const room = freshRoom()
  const clients: RawClient[] = []
  const come = async (whence: Record<string, string> = {}) => {
    const client = new RawClient(running.url)
    clients.push(client)
    client.write(handshake(running.url, room, { ...FRAMED_HEADER, ...bearer(API_KEY), ...whence }))
    return (await client.until('"type"')).includes('welcome')
  }
  try {
    expect([await come(), await come(), await come()]).toEqual([true, true, false])
    expect(await come({ 'cf-connecting-ip': '192.0.2.1' })).toBe(true)
  } finally {
    for (const { socket } of clients) socket.destroy()
    await running.stop()
  }
})

// Before a Worker stands the platform's own front, which waits for headers and ends who drips them.
// Beside each other, since what takes long is the waiting for an end.
for (const target of targets) {
  test.concurrent(
    `LIMIT-5 300 that drip their requests: others are answered meanwhile, and bodies are ended, on Node headers too; on ${target.name}`,
    beside(async () => {
      const isNode = target.name === 'node'
      const env = {
        ...LOCKED,
        HOLDLINE_CONNECTIONS_PER_ADDRESS: '1000',
        HOLDLINE_REQUEST_TIMEOUT: '2',
      }
      const running = await target.start({ env })
      atEnd(() => running.stop())
      const base = running.url
      const { host, hostname, port } = new URL(base)
      const begun = [
        `GET /v1/rooms/x HTTP/1.1\r\nhost: ${host}\r\nx: `,
        `POST /v1/rooms/x/messages HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${API_KEY}\r\ncontent-length: 9000\r\n\r\n`,
      ]
      const slow = range(300).map((i) => {
        const socket = connect({ host: hostname, port: Number(port) }).on('error', () => {})
        socket.write(`${begun[i % 2]}`)
        return socket.resume()
      })
      const gone = slow.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
      const drips = setInterval(() => {
        for (const socket of slow) if (socket.writable) socket.write('x')
      }, 100)
      try {
        const room = freshRoom()
        const client = new RawClient(base)
        client.write(handshake(base, room, { ...FRAMED_HEADER, ...bearer(API_KEY) }))
        await client.until('welcome')
        for (const data of range(50)) {
          expect((await postJson(base, room, { data }, { headers: bearer(API_KEY) })).http).toBe(201)
          await client.until(`"data":${data}`)
        }
        await Promise.all(gone.filter((_, i) => isNode || i % 2 === 1))
      } finally {
        clearInterval(drips)
        for (const socket of slow) socket.destroy()
      }
    }),
  )
}
