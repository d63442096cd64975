import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import { history, postJson, say } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { Framed } from './clients/websocket.ts'
import { freshRoom, freshSecret } from './suite.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({ entry: 'test/conformance/reconfigured.worker.ts', port: 0 })
})
afterAll(() => edge.stop())

const evict = (room: string) =>
  edge.mf.unsafeEvictDurableObject('holdline', 'RoomObject', { name: room, webSockets: 'hibernate' })

test('OPS-4 a room that wakes to wrong settings lives, takes nothing, and has all that it had when they are right', async () => {
  const [room, resume] = [freshRoom(), freshSecret()]
  const cursor = await say(edge.url, room, 'kept')
  const framed = await Framed.open(edge.url, room, { resume, presence: 1 })
  await fetch(`${edge.url}/wrong`)
  await evict(room)

  // What it says wakes the room, and is not taken.
  framed.send('{"op":"publish","data":"refused"}')
  expect(await framed.closed).toEqual({ code: 4012, reason: 'unconfigured' })
  const refusal = await postJson(edge.url, room, { data: 'refused' })
  expect([refusal.http, refusal.code, refusal.detail]).toEqual([
    503,
    'unconfigured',
    'HOLDLINE_RETENTION must be rules like chat:*=1000/1d, with a comma between them, not "wrong"',
  ])
  expect((await new Framed(edge.url, room).closed).code).toBe(4012)
  expect(await ask(edge.url, room, { cursor })).toMatchObject({ http: 200, cursor, events: [] })

  await fetch(`${edge.url}/right`)
  await evict(room)
  expect((await history(edge.url, room)).messages.map(({ data }) => data)).toEqual(['kept'])
  const back = await Framed.open(edge.url, room, { resume, cursor })
  expect(back.welcome).toMatchObject({ session: framed.welcome.session, recovered: true })
})
