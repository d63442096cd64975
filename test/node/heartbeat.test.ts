import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { ClientSocket } from '../../src/node/client-socket.ts'
import { Heartbeat } from '../../src/node/heartbeat.ts'
import { LIMITS } from '../../src/protocol/limits.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('WS-11 who answers no ping is closed, and who does stays', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', WebSocket: ClientSocket })
  await once(server, 'listening')
  const heartbeat = new Heartbeat(() => {})
  server.on('connection', (ws) => heartbeat.watch(ws))
  const address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const there = new WebSocket(address)
  const gone = new WebSocket(address, { autoPong: false })
  await Promise.all([once(there, 'open'), once(gone, 'open')])
  for (let beat = 0; beat < 2; beat++) {
    const pinged = Promise.all([once(there, 'ping'), once(gone, 'ping')])
    vi.advanceTimersByTime(LIMITS.heartbeat * 1000)
    await pinged
  }
  // Its pongs must have arrived before the next beat counts: an echo behind them tells.
  const [client] = [...server.clients]
  const behind = once(client as WebSocket, 'message')
  there.send('behind my pong')
  await behind
  const closed = once(gone, 'close')
  vi.advanceTimersByTime(LIMITS.heartbeat * 1000)
  expect((await closed)[0]).toBe(4004)
  expect(there.readyState).toBe(WebSocket.OPEN)
  there.terminate()
  await heartbeat.closed(100)
  server.close()
})

it('WS-11 who has spoken since the last beat is not asked; who then falls silent is', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', WebSocket: ClientSocket })
  await once(server, 'listening')
  const heartbeat = new Heartbeat(() => {})
  server.on('connection', (ws) => {
    heartbeat.watch(ws)
    ws.on('message', () => {
      heartbeat.heard(ws)
      ws.send('heard')
    })
  })
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  let pings = 0
  client.on('ping', () => pings++)
  await once(client, 'open')
  for (let beat = 0; beat < 3; beat++) {
    // What came before a ping has arrived before it, so one that was sent would have been seen by the next answer.
    client.send('I am here')
    await once(client, 'message')
    expect(pings).toBe(0)
    vi.advanceTimersByTime(LIMITS.heartbeat * 1000)
  }
  const pinged = once(client, 'ping')
  vi.advanceTimersByTime(LIMITS.heartbeat * 1000)
  await pinged
  client.terminate()
  await heartbeat.closed(100)
  server.close()
})
