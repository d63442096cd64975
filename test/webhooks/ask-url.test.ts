import { expect, onTestFinished, test } from 'vitest'
import { say } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom } from '../conformance/suite.ts'
import { targets } from '../targets/index.ts'
import { SECRET, TestBackend } from './backend.ts'

test.each(targets)('ASK-1 one backend is asked, another is told, if that is set, on $name', async (target) => {
  const [asked, told] = [await TestBackend.start(), await TestBackend.start()]
  onTestFinished(async () => {
    await Promise.all([asked.stop(), told.stop()])
  })
  const gateway = await target.start({
    env: {
      HOLDLINE_WEBHOOK_URL: told.url,
      HOLDLINE_WEBHOOK_SECRET: SECRET,
      HOLDLINE_WEBHOOK_PRIVATE: '1',
      HOLDLINE_WEBHOOK_EVENTS: 'message',
      HOLDLINE_ASK_CONNECT: '*',
      HOLDLINE_ASK_URL: asked.url,
    },
  })
  onTestFinished(() => gateway.stop())
  const room = freshRoom()
  await (await Framed.open(gateway.url, room)).close()
  await say(gateway.url, room, 'x')
  await told.hears(room, 1)
  const types = ({ deliveries }: TestBackend) => deliveries.flatMap(({ events }) => events.map(({ type }) => type))
  expect([types(asked), types(told)]).toEqual([['ask.connect'], ['message']])
})
