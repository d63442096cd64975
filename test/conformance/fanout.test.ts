import { expect, test } from 'vitest'
import { say, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { sessionInfo } from './clients/presence.ts'
import { elements } from './clients/rawjson.ts'
import { Stream } from './clients/sse.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway, range } from './suite.ts'

const PACK = 65_536
/** More than 1 MiB and all that the kernel's buffers on both sides of a loopback socket take. */
const FLOOD = 200
const FAT = 'x'.repeat(60_000)

/** Publishes so much that whoever does not read falls behind; slowly enough that the log keeps up. */
async function flood(gateway: Gateway, room: string, count = FLOOD): Promise<string[]> {
  const publisher = await Framed.open(gateway.url, room)
  const sent = range(count).map((i) => `${i} ${FAT}`)
  for (const data of sent)
    expect(await publisher.ask({ op: 'publish', data, echo: false })).toMatchObject({ type: 'ack' })
  return sent.map(number)
}

const number = (payload: string | Uint8Array | undefined) => `${payload}`.slice(0, 4).trim()

chapter('fan-out', (gateway) => {
  test('FAN-1 in a quiet room a message leaves at once, alone', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    const times: number[] = []
    for (const i of range(20)) {
      const start = performance.now()
      await say(gateway.url, room, i)
      await framed.messages(1)
      times.push(performance.now() - start)
      expect(elements(`${framed.packs.at(-1)}`)).toHaveLength(1)
    }
    // A timer would have held each of them up; a slow machine some.
    expect(Math.min(...times)).toBeLessThan(100)
  })

  test('FAN-1 in a busy room messages leave together, in packs of at most 64 KiB, in order', async () => {
    const room = freshRoom()
    const [publisher, reader] = [await Framed.open(gateway.url, room), await Framed.open(gateway.url, room)]
    const others = await Promise.all(transportsOf(gateway).map((transport) => transport.open(gateway.url, room)))
    const data = range(3000).map((i) => `${i} ${'x'.repeat(i % 500)}`)
    for (const start of range(12)) {
      publisher.send(
        data.slice(start * 250, start * 250 + 250).map((each) => ({ op: 'publish', data: each, echo: false })),
      )
    }
    for (const each of [reader, ...others])
      expect((await each.messages(3000)).map(({ payload }) => payload)).toEqual(data)
    expect(reader.packs.length).toBeLessThan(1500)
    const events = reader.packs.map(elements).filter((pack) => pack.length > 1)
    expect(Math.max(...events.map((pack) => pack.join('').length))).toBeLessThanOrEqual(PACK)
  })

  test('FAN-2, SES-5 who does not read is behind, harms nobody, and gets all of it from the log when reading again', async () => {
    const room = freshRoom()
    const [stuck, healthy] = [await Framed.open(gateway.url, room), await Framed.open(gateway.url, room)]
    stuck.socket.pause()
    const sent = await flood(gateway, room)
    expect((await healthy.messages(FLOOD)).map(({ payload }) => number(payload))).toEqual(sent)
    const [behind] = (await sessionInfo(gateway.url, room, `${stuck.welcome.session}`))?.attached ?? []
    expect(behind?.lag).toBeGreaterThan(FLOOD / 4)
    expect(behind?.queue).toBeGreaterThan(1024 * 1024)
    const [inStep] = (await sessionInfo(gateway.url, room, `${healthy.welcome.session}`))?.attached ?? []
    expect(inStep).toMatchObject({ kind: 'websocket', lag: 0 })
    stuck.socket.resume()
    expect((await stuck.messages(FLOOD)).map(({ payload }) => number(payload))).toEqual(sent)
    await say(gateway.url, room, 'live again')
    expect((await stuck.messages(1))[0]?.payload).toBe('live again')
  })

  test('FAN-2 history never counts as slow reading: 6 MB are replayed to framed, plain, SSE and poll', async () => {
    const room = freshRoom()
    const sent = await flood(gateway, room, 100)
    expect((await wholeHistory(gateway.url, room)).map(({ payload }) => number(payload))).toEqual(sent)
    for (const transport of transportsOf(gateway).filter(({ name }) => name !== 'sse')) {
      const reader = await transport.open(gateway.url, room, { cursor: '0-0' })
      const heard = (await reader.messages(sent.length)).map(({ payload }) => number(payload))
      expect([transport.name, heard]).toEqual([transport.name, sent])
    }
    expect(await streamed(gateway, room, sent.length)).toEqual(sent)
  })

  test('FAN-3 a plain connection that falls behind is closed with 4001', async () => {
    const room = freshRoom()
    const [stuck, healthy] = [await Plain.open(gateway.url, room), await Plain.open(gateway.url, room)]
    stuck.socket.pause()
    const sent = await flood(gateway, room)
    expect((await healthy.messages(FLOOD)).map(({ payload }) => number(payload))).toEqual(sent)
    stuck.socket.resume()
    const closed = await stuck.closed
    expect([closed.code, closed.reason.split(/\W/)[0]]).toEqual([4001, 'slow'])
    const heard = stuck.inbox.waiting().map(({ payload }) => number(payload))
    expect(heard).toEqual(sent.slice(0, heard.length))
    expect(heard.length).toBeLessThan(FLOOD)
  })
})

/** A stream may end with "more, come back" (SSE-5); we come back as EventSource does. */
async function streamed(gateway: Gateway, room: string, count: number): Promise<string[]> {
  const resume = freshSecret()
  const heard: string[] = []
  let lastEventId = '0-0'
  while (heard.length < count) {
    const stream = await Stream.open(gateway.url, room, { resume }, { 'last-event-id': lastEventId })
    const before = heard.length
    while (heard.length < count) {
      const event = await stream.next().catch(() => undefined)
      if (event?.type !== 'message') break
      heard.push(number(event.payload))
    }
    if (heard.length === before) throw new Error(`a stream ended without a message, at ${lastEventId}`)
    lastEventId = stream.lastEventId ?? lastEventId
    await stream.close()
  }
  return heard
}
