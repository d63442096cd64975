import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { freshRoom } from '../conformance/suite.ts'
import { freePort } from '../php/php.ts'
import { node } from '../targets/node.ts'
import { eventually, type Running } from '../targets/target.ts'
import { type Kind, NAME, needProxy, type RunningProxy, startProxy } from './proxy.ts'
import { theOnly } from './snippets.ts'

const KEY = 'a-key-of-the-proxy-tests'
const authorization = `Bearer ${KEY}`

describe.each<Kind>(['nginx', 'haproxy'])('docs/proxies.md: behind %s, over TLS', (kind) => {
  let gateway: Running
  let proxy: RunningProxy

  beforeAll(async () => {
    needProxy(kind)
    gateway = await node.start({
      env: {
        HOLDLINE_API_KEYS: KEY,
        HOLDLINE_TRUSTED_PROXIES: '127.0.0.1',
        HOLDLINE_CONNECTIONS_PER_ADDRESS: '1',
      },
    })
    proxy = await startProxy(kind, theOnly('docs/proxies.md', kind), await freePort(), gateway.url)
    await eventually('the gateway is reached', async () => {
      const response = await send('127.0.0.2', '/readyz')
      await response.toArray()
      return response.statusCode === 200
    })
  }, 180_000)
  afterAll(async () => {
    await proxy?.stop()
    await gateway?.stop()
  })

  const target = (from: string) => ({
    localAddress: from,
    ca: proxy.certificate,
    servername: NAME,
    headers: { host: NAME, authorization },
  })

  /** As a client at that address of this machine, past its connection pool: each address is somebody else. */
  async function send(from: string, path: string, body?: string): Promise<IncomingMessage> {
    const { headers, ...tls } = target(from)
    const asked = request({
      ...tls,
      host: '127.0.0.1',
      port: proxy.port,
      path,
      agent: false,
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'text/plain' }) },
    })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return response.setEncoding('utf8')
  }

  async function ask(from: string, path: string, body?: string) {
    const response = await send(from, path, body)
    const text = (await response.toArray()).join('')
    return { status: response.statusCode, body: JSON.parse(text) as Record<string, unknown> }
  }

  const connect = (from: string, room: string, headers = {}) => {
    const options = target(from)
    const address = `wss://127.0.0.1:${proxy.port}/v1/rooms/${room}/ws`
    const socket = new WebSocket(address, 'holdline.v1', { ...options, headers: { ...options.headers, ...headers } })
    onTestFinished(() => socket.terminate())
    return socket
  }

  test('a WebSocket hears what it says', async () => {
    const socket = connect('127.0.0.3', freshRoom())
    const heard: { type: string }[] = []
    socket.on('message', (text) => heard.push(...(JSON.parse(`${text}`) as typeof heard)))
    await once(socket, 'open')
    socket.send(JSON.stringify({ op: 'publish', data: 'echo' }))
    // Its acknowledgement may come in the same pack or behind it.
    await eventually('both are heard', () => ['message', 'ack'].every((one) => heard.some(({ type }) => type === one)))
    expect(heard.map(({ type }) => type).sort()).toEqual(['ack', 'message', 'welcome'])
  })

  test('a stream is not held back', async () => {
    const room = freshRoom()
    const stream = await send('127.0.0.4', `/v1/rooms/${room}/events`)
    onTestFinished(() => void stream.destroy())
    expect(stream.headers['content-type']).toContain('text/event-stream')
    let heard = ''
    stream.on('data', (text) => (heard += text))
    await eventually('the welcome is there', () => heard.includes('event: welcome'))
    for (const text of ['one', 'two']) {
      expect((await ask('127.0.0.5', `/v1/rooms/${room}/messages`, text)).status).toBe(201)
      await eventually('the message is there', () => heard.includes(`"data":"${text}"`))
    }
    expect(stream.complete).toBe(false)
  })

  test('a poll is held until there is something', async () => {
    const room = freshRoom()
    let isAnswered = false
    const answer = ask('127.0.0.6', `/v1/rooms/${room}/poll?cursor=0-0&wait=55`).finally(() => (isAnswered = true))
    await eventually('it is held', async () => {
      const { connections } = (await ask('127.0.0.7', `/v1/rooms/${room}`)).body as { connections: { poll: number } }
      return connections.poll === 1
    })
    expect(isAnswered).toBe(false)
    await ask('127.0.0.7', `/v1/rooms/${room}/messages`, 'at last')
    expect((await answer).body.events).toMatchObject([{ data: 'at last' }])
  })

  test('LIMIT-3 clients are told apart by their address, whatever they say it is', async () => {
    const room = freshRoom()
    const came = async (from: string, headers = {}): Promise<unknown> => {
      const socket = connect(from, room, headers)
      const closed = once(socket, 'close').then(([code]) => code)
      const first = once(socket, 'message').then(([text]) => (`${text}`.includes('"welcome"') ? 'in' : closed))
      return Promise.race([closed, first])
    }
    expect(await came('127.0.0.8')).toBe('in')
    expect(await came('127.0.0.8', { 'x-forwarded-for': '203.0.113.9' })).toBe(4011)
    expect(await came('127.0.0.9')).toBe('in')
  })
})
