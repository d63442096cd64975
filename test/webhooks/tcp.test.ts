import { afterAll, beforeAll, expect, test } from 'vitest'
import { wholeHistory } from '../conformance/clients/http.ts'
import { Line } from '../conformance/clients/tcp.ts'
import { freshRoom, Gateway, range } from '../conformance/suite.ts'
import { node } from '../targets/node.ts'
import { SECRET, TestBackend } from './backend.ts'
import { answering, asks, Told } from './suite.ts'

// On Node alone, as TCP is.
const told = new Told(new Gateway(node))
beforeAll(async () => {
  told.backend = await TestBackend.start()
  await told.gateway.start({
    env: {
      HOLDLINE_WEBHOOK_SECRET: SECRET,
      HOLDLINE_WEBHOOK_PRIVATE: '1',
      HOLDLINE_ASK_URL: told.backend.url,
      HOLDLINE_ASK_CONNECT: 'guarded:*',
      HOLDLINE_ASK_MESSAGE: 'minded:*',
    },
  })
})
afterAll(async () => {
  await told.gateway.stop()
  await told.backend.stop()
})

test('TCP-8, ASK-1, ASK-2 the backend names who comes by TCP, and whom it refuses or cannot tell is told so', async () => {
  const room = `guarded:${freshRoom()}`
  answering(told, 'ask.connect', () => ({ status: 200, body: { user: 'ann', state: { by: 'tcp' } } }))
  const line = await Line.open(told.url, room, { presence: 1 })
  expect(await line.next()).toMatchObject({ action: 'sync', members: [{ user: 'ann', state: { by: 'tcp' } }] })
  expect(asks(told, 'ask.connect', room)).toMatchObject([{ data: { kind: 'tcp' } }])
  const outcomes = [
    [{ status: 200, body: { refuse: 'not today' } }, 4503, 'not today'],
    [{ status: 500 }, 4012, expect.any(String)],
  ] as const
  for (const [answer, code, reason] of outcomes) {
    answering(told, 'ask.connect', () => answer)
    const refused = Line.dial(told.url)
    refused.send({ op: 'open', room: `guarded:${freshRoom()}` })
    expect(await refused.ended).toMatchObject({ code, reason })
  }
})

test('TCP-5, ASK-6 who sends its end waits for what the backend says of its messages, in their order', async () => {
  const room = `minded:${freshRoom()}`
  answering(told, 'ask.message', ({ events }) => {
    const { message } = (events[0]?.data ?? {}) as { message?: { data?: unknown } }
    return message?.data === 1 ? { status: 200, body: { refuse: 'no' } } : { status: 204 }
  })
  const line = Line.dial(told.url)
  const answers = range(4).map((ref) => line.answer(ref))
  const asked = range(4).map((ref) => JSON.stringify({ op: 'publish', ref, data: ref }))
  line.socket.end([JSON.stringify({ op: 'open', room }), ...asked].join('\n'))
  expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['ack', 'error', 'ack', 'ack'])
  expect(await line.ended).toBeUndefined()
  expect((await wholeHistory(told.url, room)).map(({ data }) => data)).toEqual([0, 2, 3])
  expect(asks(told, 'ask.message', room)).toHaveLength(4)
})
