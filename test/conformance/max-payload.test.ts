import { expect, test } from 'vitest'
import { postJson, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom } from './suite.ts'

const MOST = 1_048_576

chapter(
  'a limit of 1 MiB',
  (gateway) => {
    test('SIZE-1 a message of the greatest limit passes each transport, one byte more is refused', async () => {
      const room = freshRoom()
      const data = 'ä'.repeat(MOST / 2)
      const live = await Promise.all(transportsOf(gateway).map((transport) => transport.open(gateway.url, room)))
      const framed = await Framed.open(gateway.url, room)
      expect(await framed.ask({ op: 'publish', data })).toMatchObject({ type: 'ack' })
      expect((await postJson(gateway.url, room, { data })).http).toBe(201)
      const replayed = await Promise.all(
        transportsOf(gateway).map((transport) => transport.open(gateway.url, room, { cursor: '0-0' })),
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

    test('SIZE-3 what swells beyond what can be stored is refused, and nobody else notices', async () => {
      const room = freshRoom()
      const framed = await Framed.open(gateway.url, room)
      const nul = String.fromCharCode(0)
      const swollen = nul.repeat(300_000)
      const outcomes = await Promise.all([
        framed.ask({ op: 'publish', data: 'before' }),
        framed.ask({ op: 'publish', data: swollen }),
        postJson(gateway.url, room, { data: swollen }),
        framed.ask({ op: 'publish', data: 'after' }),
      ])
      expect(outcomes.map(({ type, code }) => code ?? type)).toEqual(['ack', 'too_large', 'too_large', 'ack'])
      const fits = nul.repeat(260_000)
      expect(await framed.ask({ op: 'publish', data: fits })).toMatchObject({ type: 'ack' })
      const kept = (await wholeHistory(gateway.url, room)).map(({ payload }) => payload)
      expect(kept.map((payload) => (payload === fits ? 'fits' : payload))).toEqual(['before', 'after', 'fits'])
    })
  },
  { env: { HOLDLINE_MAX_PAYLOAD: `${MOST}` } },
)
