import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { socketUrl } from '../conformance/clients/websocket.ts'
import { freshRoom } from '../conformance/suite.ts'
import { start } from './gateway.ts'

it.each([
  { trusted: '127.0.0.0/8, ::1', counted: 'each client by itself', ends: ['open', 'open', 4011, 'open'] },
  { trusted: '10.0.0.0/8', counted: 'all as one', ends: ['open', 'open', 'refused', 'refused'] },
])('LIMIT-3 behind a proxy, with HOLDLINE_TRUSTED_PROXIES=$trusted, $counted', async ({ trusted, ends }) => {
  const { base } = await start({
    HOLDLINE_DATA: ':memory:',
    HOLDLINE_TRUSTED_PROXIES: trusted,
    HOLDLINE_CONNECTIONS_PER_ADDRESS: '2',
  })
  const room = freshRoom()
  const come = async (client: string): Promise<unknown> => {
    const headers = { 'x-forwarded-for': `6.6.6.6, ${client}` }
    const socket = new WebSocket(socketUrl(base, room), 'holdline.v1', { headers })
    onTestFinished(() => socket.terminate())
    const refused = once(socket, 'error').then(() => 'refused')
    const closed = once(socket, 'close').then(([code]) => code)
    const welcomed = once(socket, 'message').then(([text]) => (`${text}`.includes('"welcome"') ? 'open' : closed))
    return Promise.race([refused, closed, welcomed])
  }
  const came: unknown[] = []
  for (const client of ['203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2']) came.push(await come(client))
  expect(came).toEqual(ends)
})

it('an idle connection is kept for longer than a proxy keeps its own, which would send into one that ends', async () => {
  const { base } = await start({ HOLDLINE_DATA: ':memory:' })
  const answer = await fetch(`${base}/healthz`)
  expect(answer.headers.get('keep-alive')).toBe('timeout=75')
  await answer.arrayBuffer()
})
