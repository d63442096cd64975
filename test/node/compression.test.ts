import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { type PerMessageDeflateOptions, WebSocket } from 'ws'
import { socketUrl } from '../conformance/clients/websocket.ts'
import { range } from '../conformance/suite.ts'
import { start } from './gateway.ts'

const COUNT = 200
const data = range(COUNT).map((i) => `${i} ${'the same words again and again, '.repeat(i % 40)}`)

/** A client with what it heard, and how many bytes that took on the wire. */
async function follow(base: string, perMessageDeflate: boolean | PerMessageDeflateOptions, protocol?: string) {
  const socket = new WebSocket(socketUrl(base, 'lobby'), protocol === undefined ? [] : [protocol], {
    perMessageDeflate,
  })
  const heard: string[] = []
  socket.on('message', (message: Buffer) => {
    const text = `${message}`
    if (protocol === undefined) heard.push(text)
    else for (const { type, data } of JSON.parse(text)) if (type === 'message') heard.push(data)
    if (heard.length === COUNT) socket.emit('all')
  })
  const all = new Promise((resolve) => {
    socket.once('all', resolve)
  })
  await once(socket, protocol === undefined ? 'open' : 'message')
  const wire = () => (socket as unknown as { _socket: Socket })._socket.bytesRead
  return { socket, heard, all, wire }
}

test('WS-12 who takes compression gets the same in fewer bytes, framed or plain, beside those who do not', async () => {
  const { base } = await start({ HOLDLINE_DATA: ':memory:', HOLDLINE_COMPRESSION: '1' })
  const small = { threshold: 0 }
  const clients = [
    await follow(base, small, 'holdline.v1'),
    await follow(base, false, 'holdline.v1'),
    await follow(base, small),
    await follow(base, false),
    // A window smaller than ours: it gets what it can read.
    await follow(base, { serverMaxWindowBits: 9 }, 'holdline.v1'),
  ]
  expect(clients.map(({ socket }) => socket.extensions)).toEqual([
    'permessage-deflate',
    '',
    'permessage-deflate',
    '',
    '',
  ])
  const [publisher] = clients as [(typeof clients)[0]]
  publisher.socket.send(JSON.stringify(data.map((each) => ({ op: 'publish', data: each }))))
  await Promise.all(clients.map(({ all }) => all))
  for (const { heard } of clients) expect(heard).toEqual(data)
  const [framed, asItIs, plain, plainAsItIs] = clients.map(({ wire }) => wire()) as [number, number, number, number]
  expect(framed).toBeLessThan(asItIs / 5)
  // Plain messages are compressed each by itself, the short ones not at all.
  expect(plain).toBeLessThan(plainAsItIs)
  for (const { socket } of clients) socket.terminate()
})

test('WS-12 without the setting nothing is compressed', async () => {
  const { base } = await start({ HOLDLINE_DATA: ':memory:' })
  const { socket } = await follow(base, true, 'holdline.v1')
  expect(socket.extensions).toBe('')
  socket.terminate()
})
