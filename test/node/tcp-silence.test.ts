import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it, vi } from 'vitest'
import { Clients } from '../../src/node/clients.ts'
import { TcpServer } from '../../src/node/tcp/tcp-server.ts'
import { LIMITS } from '../../src/protocol/limits.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('TCP-6, WS-11 who has pinged and then says nothing is ended with 4004; who pings on stays, and who never did', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  let heard = () => true
  const server = new TcpServer({
    open: async () => ({ send: () => heard(), drained() {}, close() {} }),
    clients: new Clients([]),
    connections: 10,
    most: 1000,
    firstMost: 1000,
    patience: 60_000,
    report: console.error,
  })
  await server.listen(0, '127.0.0.1')
  const dial = async () => {
    const socket = connect(server.address.port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  const say = async (socket: Awaited<ReturnType<typeof dial>>, line: string) => {
    const arrives = new Promise<void>((resolve) => {
      heard = () => {
        resolve()
        return true
      }
    })
    socket.write(line)
    await arrives
  }
  const [there, gone, quiet] = [await dial(), await dial(), await dial()]
  for (const socket of [there, gone]) await say(socket, '{"first":"line"}\n{"op":"ping"}\n')
  await say(quiet, '{"first":"line"}\n{"op":"publish"}\n')
  const said = text(gone)
  for (let beat = 0; beat < 3; beat++) {
    vi.advanceTimersByTime(LIMITS.heartbeat * 1000)
    await say(there, '{"op":"ping"}\n')
  }
  expect(JSON.parse(await said)).toMatchObject({ type: 'closing', code: 4004, reason: 'silent' })
  for (const socket of [there, quiet]) {
    expect(socket.readyState).toBe('open')
    socket.destroy()
  }
  server.drain()
  await server.closed(100)
})
