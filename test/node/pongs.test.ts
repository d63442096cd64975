import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { ClientSocket } from '../../src/node/client-socket.ts'
import { WebSocketConnection } from '../../src/node/connection.ts'
import { serve } from '../../src/node/index.ts'
import { Pongs } from '../../src/node/pongs.ts'
import { Pack } from '../../src/protocol/codec/index.ts'
import { PING_TEXT, PONG_TEXT } from '../../src/protocol/events.ts'

const BEAT = 50
const FRAME_HEAD = 2

afterEach(() => {
  vi.useRealTimers()
})

/** One whose texts, each short, are read back from what was written; one write may hold several. */
function wire() {
  const writes: string[] = []
  const socket = new Duplex({
    write(chunk: Buffer, _, done) {
      writes.push(chunk.toString('utf8', FRAME_HEAD))
      done()
    },
  })
  const ws = { readyState: 1, OPEN: 1, extensions: '' }
  return { writes, ws, connection: new WebSocketConnection(ws as ClientSocket, socket, true) }
}

it('WS-5 a ping alone is answered at once; many have their pongs together, a beat after the first of them', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const pongs = new Pongs()
  const [alone, first, second, late] = [wire(), wire(), wire(), wire()]
  pongs.answer(alone.connection)
  expect(alone.writes).toEqual([PONG_TEXT])
  expect(vi.getTimerCount()).toBe(0)
  pongs.answer(first.connection)
  vi.advanceTimersByTime(BEAT - 1)
  pongs.answer(second.connection)
  expect([first.writes, second.writes]).toEqual([[], []])
  vi.advanceTimersByTime(1)
  expect([first.writes, second.writes]).toEqual([[PONG_TEXT], [PONG_TEXT]])
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(BEAT)
  pongs.answer(late.connection)
  expect(late.writes).toEqual([PONG_TEXT])
})

it('WS-5 each ping has its pong, also of one that does not wait for it; what it is sent besides comes after', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const pongs = new Pongs()
  const { writes, connection } = wire()
  for (let ping = 0; ping < 5; ping++) pongs.answer(connection)
  expect(writes).toEqual(Array(4).fill(PONG_TEXT))
  connection.write(new Pack(['[{"type":"cursor"}]']))
  expect(writes.slice(4)).toEqual([PONG_TEXT, '[{"type":"cursor"}]'])
  vi.advanceTimersByTime(BEAT)
  expect(writes.length).toBe(6)
})

it('WS-5 one that is closed meanwhile is written nothing more', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const pongs = new Pongs()
  const { writes, ws, connection } = wire()
  pongs.answer(wire().connection)
  pongs.answer(connection)
  ws.readyState = 2
  vi.advanceTimersByTime(BEAT)
  expect(writes).toEqual([])
})

it.each([
  ['client', (client: WebSocket) => client.close(1000)],
  ['gateway', () => undefined],
])('WS-5 the pong that is owed comes before the close of the %s', async (closing, close) => {
  // Frozen: who pings after another has done so within the same beat.
  vi.useFakeTimers({ toFake: ['performance'] })
  const gateway = await serve({ port: 0, data: ':memory:', tell: () => {} })
  const open = async () => {
    const client = new WebSocket(`${gateway.url.replace('http', 'ws')}/v1/rooms/pongs/ws`, 'holdline.v1')
    await once(client, 'message')
    return client
  }
  const [other, client] = [await open(), await open()]
  const heard: string[] = []
  client.on('message', (data) => heard.push(`${data}`))
  other.send(PING_TEXT)
  await once(other, 'message')
  client.send(PING_TEXT)
  close(client)
  if (closing === 'gateway') {
    // Too long: closed in the turn in which it was read, behind the ping.
    client.send('x'.repeat(1_000_000))
  }
  await once(client, 'close')
  expect(heard).toEqual([PONG_TEXT])
  other.terminate()
  await gateway.close()
})
