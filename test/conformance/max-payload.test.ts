import { expect, test } from 'vitest'
import { postJson, wholeHistory } from './clients/http.ts'
import { transports } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom } from './suite.ts'

const MOST = 1_048_576

chapter(
  'a limit of 1 MiB',
  (gateway) => {
    test('SIZE-1 a message of the greatest limit passes each transport, one byte more is refused', async () => {
      const room = freshRoom()
      const data = 'ä'.repeat(MOST / 2)
      const live = await Promise.all(transports.map((transport) => transport.open(gateway.url, room)))
      const framed = await Framed.open(gateway.url, room)
      expect(await framed.ask({ op: 'publish', data })).toMatchObject({ type: 'ack' })
      expect((await postJson(gateway.url, room, { data })).http).toBe(201)
      const replayed = await Promise.all(
        transports.map((transport) => transport.open(gateway.url, room, { cursor: '0-0' })),
      )
      for (const reader of [...live, ...replayed]) {
        const name = reader.constructor.name
        const same = (await reader.messages(1)).map(({ payload }) => payload === data)
        expect([name, ...same]).toEqual([name, true])
      }
      expect((await wholeHistory(gateway.url, room)).map(({ payload }) => payload === data)).toEqual([true, true])

      expect(await postJson(gateway.url, room, { data: `${data}b` })).toMatchObject({ http: 413, code: 'too_large' })
      expect(await framed.ask({ op: 'publish', data: `${data}b` })).toMatchObject({ type: 'error', code: 'too_large' })
    })
  },
  { env: { HOLDLINE_MAX_PAYLOAD: `${MOST}` } },
)
