import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { Hub } from '../../src/client/hub.ts'
import { brisk } from './reading.ts'

/** A gateway that says what the test has it say, since no real one can be had to fall silent. */
let server: WebSocketServer
let client: Hub

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = new Hub(url, { transports: ['websocket'] }, brisk({ answer: 100 }))
  client.room('r')
})
afterEach(async () => {
  client.close()
  for (const socket of server.clients) socket.terminate()
  server.close()
  await once(server, 'close')
})

/** The next client that comes, welcomed; what it says can be waited for from then on. */
async function welcome(heartbeat: number): Promise<{ socket: WebSocket; said: () => Promise<string> }> {
  const [socket] = (await once(server, 'connection')) as [WebSocket]
  tell(socket, { type: 'welcome', room: 'r', session: 's', cursor: '0-0', head: '0-0', recovered: false, heartbeat })
  return { socket, said: async () => `${(await once(socket, 'message'))[0]}` }
}

const tell = (socket: WebSocket, event: object): void => socket.send(JSON.stringify([event]))

test('WS-6 answers a probe, and WS-5 pings with the exact text', async () => {
  const { socket, said } = await welcome(0.02)
  expect(await said()).toBe('{"op":"ping"}')
  const probed = new Promise((resolve) => {
    socket.on('message', (data) => `${data}`.includes('probe') && resolve(`${data}`))
  })
  tell(socket, { type: 'probe', n: 7 })
  expect(await probed).toBe('{"op":"probe","n":7}')
})

test('drops a socket on which nothing comes back, and opens another', async () => {
  const { said } = await welcome(0.02)
  await said()
  await welcome(25)
})

test('comes back when the server says, from where it was', async () => {
  const { socket } = await welcome(25)
  tell(socket, { type: 'message', id: 'i', cursor: '0mwwff8dykz9bvw-11', data: 1, time: 0 })
  tell(socket, { type: 'closing', code: 4000, reason: 'drain', retryAfter: 0.03 })
  const waiting = new Promise((resolve) => {
    client.on('state', ({ state, retryIn, reason }) => state === 'waiting' && resolve([reason, (retryIn ?? 0) >= 30]))
  })
  socket.close(4000, 'drain')
  expect(await waiting).toEqual(['drain', true])
  const [, request] = (await once(server, 'connection')) as [WebSocket, { url: string }]
  expect(new URL(request.url, 'http://x').searchParams.get('cursor')).toBe('0mwwff8dykz9bvw-11')
})

test('does not come back when it was told not to', async () => {
  const { socket } = await welcome(25)
  const error = new Promise((resolve) => client.on('error', resolve))
  socket.close(4507, 'revoked')
  expect(await error).toMatchObject({ code: 'revoked' })
  expect(client.state).toEqual({ state: 'closed', reason: 'revoked' })
})
