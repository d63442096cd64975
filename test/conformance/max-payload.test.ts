import { expect, test } from 'vitest'
import { call, info, postJson, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { offsetOf } from './cursor.ts'
import { chapter, freshRoom, range } from './suite.ts'

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

    test('BATCH-2, PUB-9 batches larger than what may wait are each taken whole, or refused whole as busy', async () => {
      const room = freshRoom()
      const batches = await Promise.all(
        range(2).map(async (batch) => {
          const messages = range(6).map((i) => ({ room, data: `${batch}.${i} ${'x'.repeat(900_000)}` }))
          const init = {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ messages }),
          }
          return (await call(`${gateway.url}/v1/publish`, init)).results ?? []
        }),
      )
      const outcomes = batches.map((results) => [...new Set(results.map(({ code = 'taken' }) => code))])
      const taken = batches.filter((_, i) => `${outcomes[i]}` === 'taken')
      expect(outcomes.filter((kinds) => `${kinds}` !== 'taken')).toEqual(range(2 - taken.length).map(() => ['busy']))
      expect(taken.length).toBeGreaterThan(0)
      const offsets = taken.flatMap((results) => results.map(({ cursor }) => offsetOf(`${cursor}`)))
      expect(offsets.sort((a, b) => a - b)).toEqual(range(6 * taken.length, 1))
      expect(offsetOf(`${(await info(gateway.url, room)).cursor}`)).toBe(6 * taken.length)
    })
  },
  { env: { HOLDLINE_MAX_PAYLOAD: `${MOST}` } },
)
