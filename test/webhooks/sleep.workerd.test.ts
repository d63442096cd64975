import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { info, say } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, Gateway } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { workerd } from '../targets/workerd.ts'
import { moods, SECRET, TestBackend } from './backend.ts'

/** As in sleep.workerd.test.ts: silence in real time is what is tested. */
const SILENCE = 14_000

const gateway = new Gateway(workerd)
let backend: TestBackend
beforeAll(async () => {
  backend = await TestBackend.start()
  const env = {
    HOLDLINE_WEBHOOK_URL: backend.url,
    HOLDLINE_WEBHOOK_SECRET: SECRET,
    HOLDLINE_WEBHOOK_PRIVATE: '1',
    HOLDLINE_WEBHOOK_TIMEOUT: '500',
    HOLDLINE_ASK_MESSAGE: 'asked:*',
    HOLDLINE_ASK_TIMEOUT: '10000',
  }
  await gateway.start({ env })
})
afterAll(async () => {
  await gateway.stop()
  await backend.stop()
})

describe.concurrent('webhooks and sleep on workerd', { timeout: 90_000 }, () => {
  test('HOOK-10 a room that tells a backend sleeps, and tells it more when it has woken', async () => {
    const room = freshRoom()
    const socket = await Framed.open(gateway.url, room)
    await say(gateway.url, room, 'before')
    await backend.hears(room, 3)
    const { awakeSince } = await info(gateway.url, room)
    await pass(SILENCE)
    const woken = await info(gateway.url, room)
    expect(woken.awakeSince).toBeGreaterThan(awakeSince ?? Number.NaN)
    await socket.ask({ op: 'publish', data: 'after' })
    const events = await backend.hears(room, 4)
    expect(events.map(({ type, data }) => data.message?.data ?? type)).toEqual([
      'room.occupied',
      'session.open',
      'before',
      'after',
    ])
    expect(events[3]?.data.generation).toBeGreaterThan(events[2]?.data.generation ?? Number.NaN)
    expect(`${events[3]?.id}` > `${events[2]?.id}`).toBe(true)
  })
})

describe('webhooks and eviction on workerd', { timeout: 60_000 }, () => {
  test('HOOK-3, HOOK-7 what is tried again is tried by the alarm, also of a room that was put to sleep', async () => {
    const room = freshRoom()
    backend.mood = moods.fails
    await say(gateway.url, room, 'once')
    await eventually('it is tried', () => backend.deliveries.some(({ events: [event] }) => event?.data.room === room))
    await gateway.running.evict?.(room, 'close')
    backend.mood = moods.takes
    expect((await backend.hears(room, 1)).map(({ data }) => data.message?.data)).toEqual(['once'])
  })

  test('ASK-6 what is asked about keeps its room awake until it is answered', async () => {
    const room = `asked:${freshRoom()}`
    let release = (): void => {}
    backend.mood = (delivery, response) => {
      if (delivery.events[0]?.type !== 'ask.message') moods.takes(delivery, response)
      else release = () => void response.writeHead(204).end()
    }
    const client = await Framed.open(gateway.url, room)
    const answer = client.ask({ op: 'publish', data: 'asked about' })
    await eventually('it is asked about', () =>
      backend.deliveries.some(({ events: [event] }) => event?.type === 'ask.message' && event.data.room === room),
    )
    const evicted = gateway.running.evict?.(room, 'hibernate')
    backend.mood = moods.takes
    release()
    expect(await answer).toMatchObject({ type: 'ack' })
    await evicted
    expect(await client.ask({ op: 'publish', data: 'more' })).toMatchObject({ type: 'ack' })
    await client.close()
  })
})
