import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import type { ServerEvent } from './clients/events.ts'
import { info, say } from './clients/http.ts'
import { Stream } from './clients/sse.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, type Gateway, range } from './suite.ts'

/** More than 1 MiB and all that the kernel's buffers on both sides of a loopback socket take. */
const FLOOD = 100
const FAT = 'x'.repeat(60_000)

const number = ({ payload }: ServerEvent) => Number.parseInt(`${payload}`, 10)

/** Publishes so much to each room that whoever does not read falls behind; slowly enough that the logs keep up. */
async function flood(gateway: Gateway, rooms: string[], count = FLOOD): Promise<void> {
  const publisher = await Framed.open(gateway.url, rooms)
  for (const i of range(count)) {
    const acks = rooms.map((room) => publisher.ask({ op: 'publish', room, data: `${i} ${FAT}`, echo: false }))
    expect((await Promise.all(acks)).map(({ type }) => type)).toEqual(rooms.map(() => 'ack'))
  }
}

chapter('several rooms and slow readers', (gateway) => {
  test('MULTI-11, FAN-2 who does not read is behind in each room, harms nobody, and gets all of it when reading again', async () => {
    const rooms = range(2).map(freshRoom)
    const [stuck, healthy] = [await Framed.open(gateway.url, rooms), await Framed.open(gateway.url, rooms)]
    stuck.socket.pause()
    await flood(gateway, rooms)
    const all = await healthy.messages(2 * FLOOD)
    for (const room of rooms) expect(all.filter((e) => e.room === room).map(number)).toEqual(range(FLOOD))
    stuck.socket.resume()
    const late = await stuck.messages(2 * FLOOD)
    for (const room of rooms) expect(late.filter((e) => e.room === room).map(number)).toEqual(range(FLOOD))
    for (const room of rooms) await say(gateway.url, room, 'live again')
    expect((await stuck.messages(2)).map(({ payload }) => payload)).toEqual(['live again', 'live again'])
  })

  test('MULTI-11, FAN-2 history never counts as slow reading: 10 MB of 8 rooms are replayed over one connection', async () => {
    const rooms = range(8).map(freshRoom)
    await flood(gateway, rooms, 20)
    const cursor = rooms.map(() => '0-0').join('.')
    const framed = await Framed.open(gateway.url, rooms, { cursor })
    const heard = await framed.messages(8 * 20)
    for (const room of rooms) expect(heard.filter((e) => e.room === room).map(number)).toEqual(range(20))
    const stream = await Stream.open(gateway.url, rooms, { cursor })
    const streamed = await stream.messages(8 * 20)
    for (const room of rooms) expect(streamed.filter((e) => e.room === room).map(number)).toEqual(range(20))
  })

  test('MULTI-11 a client that asks and never reads is closed with 4003, and gone from its rooms', async () => {
    const rooms = range(2).map(freshRoom)
    const framed = await Framed.open(gateway.url, rooms)
    framed.socket.pause()
    // Each of them is refused, under its ref.
    const questions = JSON.stringify(range(256).map((i) => ({ op: 'publish', ref: `${i}`.padStart(64, '.') })))
    for (const _ of range(500)) framed.send(questions)
    await eventually('it is gone', async () => {
      const all = await Promise.all(rooms.map((room) => info(gateway.url, room)))
      return all.every(({ connections }) => connections?.websocket === 0)
    })
    framed.socket.resume()
    expect((await framed.inbox.until(({ type }) => type === 'closing')).at(-1)).toMatchObject({
      code: 4003,
      reason: 'more',
    })
    expect((await framed.closed).code).toBe(4003)
  })
})
