import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mostMemory, openReaders, publishSteadily, Reader } from '../../bench/apart/steady.ts'
import type { Server } from '../../bench/servers/server.ts'
import { startOpen } from '../../bench/servers/servers.ts'
import { info } from '../conformance/clients/http.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'

const LOAD = { rate: 500, seconds: 20, bytes: 1024 }
const MESSAGES = LOAD.rate * LOAD.seconds
const HEALTHY = 10
const STUCK = 100
const STREAMS = 20
const MIB = 2 ** 20
/**
 * What a stuck reader may cost the server. Each is owed 1 MiB at most (FAN-2): on Node that is one and the same memory for
 * all of them, on workerd a copy for each and its own cost of many small sends. `loaded`: a heap that is in no hurry to
 * collect. Without the bound a reader would be owed the 12 MB that are sent, less the 4 MB that the kernel takes: then
 * this load was seen to bring Node to 257 MiB and workerd to 1,147 (2026-11).
 */
const COST = { node: { loaded: 32 * MIB, each: 0.25 * MIB }, workerd: { loaded: 128 * MIB, each: 3 * MIB } }

/** A stream whose client does not read. */
function stuckStream(url: string, room: string): Socket {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(`GET /v1/rooms/${room}/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return socket.once('data', () => socket.pause())
}

describe.each(['node', 'workerd'] as const)('slow readers on %s', (target) => {
  let server: Server
  const opened: { destroy(): void }[] = []
  beforeAll(async () => {
    server = await startOpen(target, undefined)
  })
  afterAll(async () => {
    for (const socket of opened) socket.destroy()
    await server.stop()
  })
  const attached = (readers: Reader[]): Reader[] => {
    opened.push(...readers.map(({ socket }) => socket))
    return readers
  }
  const complete = (readers: readonly Reader[]) =>
    eventually('all have all of it', () => readers.every(({ next }) => next === MESSAGES), 60)
  const inOrder = (readers: readonly Reader[]) =>
    expect(readers.map(({ disorder }) => disorder)).toEqual(readers.map(() => 0))

  test(`FAN-2, FAN-4 ${STUCK} that do not read cost bounded memory and nobody a message; they get all of it later, or 4001`, async () => {
    const room = freshRoom()
    const address = (query = '') => new URL(`/v1/rooms/${room}/ws${query}`, server.url)
    const healthy = attached(await openReaders(address(), HEALTHY))
    const stuck = attached(await openReaders(address(), STUCK))
    for (const reader of stuck) reader.pause()
    opened.push(...range(STREAMS).map(() => stuckStream(server.url, room)))
    const before = server.memory

    const { most, result } = await mostMemory(server, publishSteadily(address(), 0, LOAD))
    await complete(healthy)
    result.end()
    inOrder(healthy)
    const bound = before + COST[target].loaded + (STUCK + 2 * STREAMS) * COST[target].each
    console.log(
      `${target}: ${[before, most, bound].map((bytes) => Math.round(bytes / MIB)).join(', ')} MiB before, at most, allowed`,
    )
    expect(most).toBeLessThan(bound)

    const [late, lost] = [stuck.slice(0, STUCK / 2), stuck.slice(STUCK / 2)]
    for (const reader of late) reader.resume()
    await complete(late)
    inOrder(late)

    // The room lets them go as soon as it gives them up, whether they ever hear of it or not.
    await eventually(
      'the others have been given up',
      async () => (await info(server.url, room)).connections?.websocket === HEALTHY + late.length,
      60,
    )
    for (const reader of lost) reader.resume()
    expect(await Promise.all(lost.map(({ ended }) => ended))).toEqual(lost.map(() => '4001 slow'))
    inOrder(lost)
    expect(Math.max(...lost.map(({ next }) => next))).toBeLessThan(MESSAGES)
    const back = attached(lost.map(({ cursor, next }) => new Reader(address(`?cursor=${cursor}`), next)))
    await complete(back)
    inOrder([...back, ...healthy, ...late])
    expect(server.memory).toBeLessThan(bound)
  })
})
