import { expect, test } from 'vitest'
import { call, postJson, url, wholeHistory } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { eventually } from '../targets/target.ts'
import { moods } from './backend.ts'
import { answering, asks, hooked, type Told } from './suite.ts'

const TIMEOUT = 2000
/** More than are asked about at once, so that some wait; each answer takes more than half of the time that there is. */
const CROWD = 200
/** Nobody waits for anybody at the door of the edge: more at once would try workerd, and not the rule. */
const crowdAt = ({ gateway }: Told) => (gateway.target.name === 'node' ? CROWD : 30)
const SLOW = 1200

const settings = {
  HOLDLINE_ASK_CONNECT: 'door:*',
  HOLDLINE_ASK_MESSAGE: 'asked:*',
  HOLDLINE_ASK_TIMEOUT: `${TIMEOUT}`,
  HOLDLINE_WEBHOOK_EVENTS: 'message',
}

/** A backend that refuses all, late, and each in time. */
const refusing = ({ backend }: Told) => {
  backend.mood = (_, response) => void setTimeout(() => response.writeHead(403).end(), SLOW)
}

hooked(
  'a backend under load, with an open door',
  (told) => {
    test('ASK-2 a crowd at the door opens it to nobody: who waited in vain is told busy', async () => {
      refusing(told)
      const room = `door:${freshRoom()}`
      const answers = await Promise.all(range(crowdAt(told)).map(() => call(url(told.url, room, '/poll', { wait: 0 }))))
      const codes = new Set(answers.map(({ http, code }) => `${http} ${code}`))
      expect(codes.has('403 forbidden')).toBe(true)
      codes.delete('403 forbidden')
      codes.delete('429 busy')
      expect([...codes]).toEqual([])
      for (const { code, headers } of answers) expect(headers.has('retry-after')).toBe(code === 'busy')
    })

    test('ASK-8 a flood of messages lets none pass: what waited in vain is busy', async () => {
      refusing(told)
      const room = `asked:${freshRoom()}`
      const answers = await Promise.all(range(CROWD).map((data) => postJson(told.url, room, { data })))
      const codes = new Set(answers.map(({ http, code }) => `${http} ${code}`))
      expect(codes.has('403 forbidden')).toBe(true)
      codes.delete('403 forbidden')
      codes.delete('429 busy')
      expect([...codes]).toEqual([])
      expect(await wholeHistory(told.url, room)).toEqual([])
    })
  },
  { ...settings, HOLDLINE_ASK_OPEN: '1' },
)

hooked(
  'a backend under load',
  (told) => {
    test('ASK-2, ASK-8 one that does not answer about messages is still asked who may connect, and the other way round', async () => {
      const [asked, door] = [`asked:${freshRoom()}`, `door:${freshRoom()}`]
      answering(told, 'ask.message', () => null)
      for (const _ of range(2)) await Promise.all(range(8).map((data) => postJson(told.url, asked, { data })))
      answering(told, 'ask.connect', () => ({ status: 200, body: { user: 'ann' } }))
      await (await Framed.open(told.url, door)).close()
      expect(asks(told, 'ask.connect', door)).toHaveLength(1)
      answering(told, 'ask.connect', () => null)
      const rooms = range(16).map(() => `door:${freshRoom()}`)
      await Promise.all(rooms.map((room) => call(url(told.url, room, '/poll', { wait: 0 }))))
      answering(told, 'ask.message', () => ({ status: 204 }))
      await eventually(
        'messages are asked about',
        async () => (await postJson(told.url, asked, { data: 1 })).http === 201,
      )
    })

    test('HOOK-7 many rooms and a backend that hangs: each has its turn', async () => {
      const rooms = range(60).map(freshRoom)
      let hangs = 40
      told.backend.mood = (delivery, response) => {
        if (hangs-- > 0) moods.hangs()
        else moods.takes(delivery, response)
      }
      await Promise.all(rooms.map((room) => postJson(told.url, room, { data: 1 })))
      await Promise.all(rooms.map((room) => told.backend.hears(room, 1, 25)))
    })
  },
  settings,
)
