import { expect, test } from 'vitest'
import { say, wholeHistory } from './clients/http.ts'
import { tellingTransportsOf, transportsOf } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, range } from './suite.ts'
import { waysOf } from './ways.ts'

chapter('crash', (gateway) => {
  test('PUB-3, FOLLOW-2 what was acknowledged survives the death of the process, and cursors still hold', async () => {
    const room = freshRoom()
    const readers = await Promise.all(
      tellingTransportsOf(gateway).map((transport) => transport.open(gateway.url, room, { cursor: '0-0' })),
    )
    const sent: string[] = []
    for (const way of waysOf(gateway).filter(({ kinds }) => kinds.includes('text'))) {
      await way.publish(gateway.url, room, [{ kind: 'text', payload: way.name }])
      sent.push(way.name)
    }
    sent.push('last')
    const last = await say(gateway.url, room, 'last')
    for (const reader of readers) await reader.messages(sent.length)
    await gateway.running.crash()

    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(sent)
    const cursors = readers.map(({ cursor }) => cursor)
    const back = await Promise.all(
      tellingTransportsOf(gateway).map(({ open }, i) => open(gateway.url, room, { cursor: cursors[i] })),
    )
    const next = await say(gateway.url, room, 'after')
    expect([last, next].sort()).toEqual([last, next])
    for (const reader of back) {
      const heard = await reader.messages(1)
      expect(heard.map(({ payload, cursor }) => [payload, cursor])).toEqual([['after', next]])
    }
  })

  test('PUB-3 killed while publishers are at it, it keeps all it acknowledged, and nobody’s order changes', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    const acknowledged: string[] = []
    const publishing = (async () => {
      for (const i of range(100_000)) acknowledged.push(`${i} ${(await framed.ask({ op: 'publish', data: i })).cursor}`)
    })().catch(() => 'cut off')
    await framed.messages(100)
    await gateway.running.crash()
    expect(await publishing).toBe('cut off')
    const kept = (await wholeHistory(gateway.url, room)).map(({ data, cursor }) => `${data} ${cursor}`)
    expect(acknowledged.length).toBeGreaterThanOrEqual(99)
    expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged)
    const replayed = await Promise.all(
      transportsOf(gateway).map((transport) => transport.open(gateway.url, room, { cursor: '0-0' })),
    )
    for (const reader of replayed) {
      const heard = await reader.messages(kept.length)
      expect(heard.map(({ payload }) => payload)).toEqual(kept.map((each) => each.split(' ')[0]))
    }
  })
})
