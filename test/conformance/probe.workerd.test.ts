import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import { LIMITS } from '../../src/protocol/limits.ts'
import { call, url } from './clients/http.ts'
import { socketUrl } from './clients/websocket.ts'
import { freshRoom } from './suite.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({ entry: 'test/conformance/probe.worker.ts', port: 0 })
})
afterAll(() => edge.stop())

const MESSAGES = 100
const SIZE = 60_000

interface Reader {
  readonly socket: WebSocket
  heard: number
  ponged: boolean
  readonly probes: number[]
  until(done: () => boolean): Promise<void>
}

function reader(room: string, answers: boolean): Reader {
  const socket = new WebSocket(socketUrl(edge.url, room, { cursor: '0-0' }), 'holdline.v1')
  let wake = () => {}
  const self: Reader = {
    socket,
    heard: 0,
    ponged: false,
    probes: [],
    async until(done) {
      while (!done())
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    },
  }
  socket.on('message', (text) => {
    for (const event of JSON.parse(`${text}`)) {
      if (event.type === 'message') self.heard++
      if (event.type === 'pong') self.ponged = true
      if (event.type !== 'probe') continue
      self.probes.push(event.n)
      if (answers) socket.send(JSON.stringify({ op: 'probe', n: event.n }))
    }
    wake()
  })
  return self
}

test('WS-6, FAN-2 where the socket does not tell, a probe does: who does not answer is behind, and goes on when it does', async () => {
  const room = freshRoom()
  for (let i = 0; i < MESSAGES; i++) {
    await call(url(edge.url, room, '/messages'), {
      method: 'POST',
      body: 'x'.repeat(SIZE),
      headers: { 'content-type': 'text/plain' },
    })
  }
  const good = reader(room, true)
  const mute = reader(room, false)
  await good.until(() => good.heard === MESSAGES)
  // Asked at the end of a page, so two of them may pass between two probes.
  expect(good.probes.length).toBeGreaterThanOrEqual(Math.floor((MESSAGES * SIZE) / (2 * LIMITS.probe)))
  // A page is written whole, so it may be that much over.
  const most = (LIMITS.ahead + 2 * LIMITS.page) / SIZE
  await mute.until(() => mute.heard * SIZE >= LIMITS.ahead - LIMITS.page)
  // What the room had sent before it answers this has come before the answer.
  mute.socket.send('[{"op":"ping"}]')
  await mute.until(() => mute.ponged)
  expect(mute.heard).toBeLessThan(most)
  mute.socket.send(JSON.stringify({ op: 'probe', n: mute.probes.at(-1) }))
  const before = mute.heard
  await mute.until(() => mute.heard > before)
  for (const { socket } of [good, mute]) socket.terminate()
})
