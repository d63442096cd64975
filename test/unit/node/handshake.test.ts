import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { toRequest } from '../../../src/node/handshake.ts'
import { Upgrades } from '../../../src/node/upgrade.ts'
import { range } from '../../conformance/suite.ts'
import { open } from './open.ts'

const incoming = (url: string, host = 'example.com:8787', more = {}) =>
  ({ method: 'GET', url, headers: { host, upgrade: 'websocket', ...more } }) as unknown as IncomingMessage

describe('the request of a handshake', () => {
  it('has the URL that a real one would have', () => {
    const paths = [
      '/v1/rooms/lobby/ws',
      '/v1/rooms/lobby/ws?cursor=0-0&resume=a_b-c.~&token=x%2Fy+z',
      '/v1/rooms/../lobby/ws',
      '/v1/rooms/./ws',
      '/v1/rooms/%2e%2E/ws',
      '/v1/rooms/.hidden/ws',
      '/v1/rooms/a b/ws?q="<>\'',
      '/v1\\rooms\\ws',
      '/v1/rooms/é/ws?é#part',
      '//elsewhere/v1/ws',
      'http://elsewhere/v1/ws',
      '/',
    ]
    for (const host of ['example.com:8787', 'EXAMPLE.com', '[::1]:80', '127.1', 'h/elsewhere?']) {
      for (const path of paths) {
        const real = new Request(new URL(path, `http://${host}`)).url.replace(/#.*/, '')
        // The second time the host is known.
        for (const _ of range(2)) {
          const { pathname, search } = new URL(toRequest(incoming(path, host)).url)
          expect({ pathname, search }).toEqual({ pathname: new URL(real).pathname, search: new URL(real).search })
        }
      }
    }
  })

  it('is refused if its host is none, also after one that was', () => {
    expect(toRequest(incoming('/v1/ws', 'fine')).url).toBe('http://fine/v1/ws')
    for (const host of ['a b', '999.999.999.999', 'x:y']) {
      expect(() => toRequest(incoming('/v1/ws', host))).toThrow('malformed')
    }
  })

  it('has the headers, whatever the case of their names', () => {
    const { headers } = toRequest(incoming('/', 'h', { origin: 'https://a', 'x-list': ['a', 'b'] }))
    expect(['Origin', 'x-list', 'x-none', 'constructor'].map((name) => headers.get(name))).toEqual([
      'https://a',
      'a, b',
      null,
      null,
    ])
  })
})

/** A socket that counts what is written to it. */
function wire() {
  const writes: string[] = []
  const socket = new Duplex({
    read() {},
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => `${chunk}`).join(''))
      done()
    },
  })
  return { writes, socket }
}

function door() {
  const { rooms, publish } = open()
  const upgrades = new Upgrades({ payload: 1000, compression: false }, fails, fails)
  const server = new EventEmitter()
  const asked: string[] = []
  upgrades.listen(server as Server, (request) => {
    const { searchParams } = new URL(request.url)
    const [session = '', cursor] = ['session', 'cursor'].map((name) => searchParams.get(name) ?? undefined)
    asked.push(session)
    const hello = { kind: 'websocket', codec: 'framed', session, ...(cursor !== undefined && { cursor }) } as const
    return upgrades.accept(request, rooms.get('lobby'), hello, 'holdline.v1')
  })
  const knock = (query: string) => {
    const { writes, socket } = wire()
    const key = { 'sec-websocket-key': `${'k'.repeat(22)}==`, 'sec-websocket-version': '13' }
    const offered = { ...key, 'sec-websocket-protocol': 'holdline.v1' }
    server.emit('upgrade', incoming(`/v1/rooms/lobby/ws?${query}`, 'h', offered), socket, Buffer.alloc(0))
    return writes
  }
  const close = () => {
    // Or the heartbeat would close them, long after.
    upgrades.cut()
    return rooms.close()
  }
  return { publish, asked, knock, close }
}

const fails = (error: unknown) => {
  throw error
}

describe('the way in, counted', () => {
  it('the answer, the greeting and what others have missed as well are one write', async () => {
    const { publish, knock, asked, close } = door()
    await publish('lobby', 'missed')
    const first = knock('session=first&cursor=0-0')
    while (first.length < 2) await turn()
    const next = knock('session=next&cursor=0-0')
    while (asked.length < 2) await turn()
    expect(next).toHaveLength(1)
    expect(next[0]).toMatch(/^HTTP\/1\.1 101.*"type":"welcome".*"type":"message"/s)
    expect(first.join('').match(/"type":"message"/g)).toHaveLength(1)
    await close()
  })
})
