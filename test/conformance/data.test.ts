import { describe, expect, test } from 'vitest'
import type { ServerEvent } from './clients/events.ts'
import type { Follower } from './clients/follower.ts'
import { history, post, postJson, say, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { type Corpus, corpora, type Item, shown } from './corpus.ts'
import { chapter, freshRoom, type Gateway } from './suite.ts'
import { waysOf } from './ways.ts'

function expectSame(where: string, corpus: Corpus, received: ServerEvent[]): void {
  const same = received.map((message) => shown({ kind: corpus.kind, payload: message.payload }))
  expect(same, where).toEqual(corpus.items.map(shown))
}

async function expectHeard(follower: Follower, where: string, corpus: Corpus): Promise<ServerEvent[]> {
  const heard = await follower.messages(corpus.items.length)
  expectSame(where, corpus, heard)
  return heard
}

/** The four that tell more than the payload must tell the same of it (CUR-4, PLAIN-2). */
function expectSameRecord(where: string, heard: ServerEvent[], kept: ServerEvent[]): void {
  const record = ({ cursor, id, from, time, raw, bytes }: ServerEvent) => ({ cursor, id, from, time, raw, bytes })
  expect(heard.map(record), where).toEqual(kept.map(record))
}

chapter('data', (gateway) => {
  for (const way of waysOf(gateway)) {
    const fitting = corpora.filter(({ kind }) => way.kinds.includes(kind))
    test.each(fitting)(
      `DATA-1, DATA-2, DATA-3, DATA-5 by ${way.name}: $name arrive identical, live, replayed and kept`,
      async (corpus) => {
        const room = freshRoom()
        const live = await openAll(gateway, room)
        const wanted = { ...corpus, items: await way.publish(gateway.url, room, corpus.items) }
        const kept = await wholeHistory(gateway.url, room)
        expectSame('history', wanted, kept)
        const replayed = await openAll(gateway, room, '0-0')
        for (const [manner, followers] of Object.entries({ live, replayed })) {
          for (const [index, follower] of followers.entries()) {
            const name = `${transportsOf(gateway)[index]?.name}, ${manner}`
            const heard = await expectHeard(follower, name, wanted)
            if (!(follower instanceof Plain)) expectSameRecord(name, heard, kept)
          }
        }
      },
    )
  }

  test('DATA-1 tokens are those that were sent, in strings too', async () => {
    const room = freshRoom()
    const tokens = corpora.flatMap(({ kind, items }) => (kind === 'json' ? items : [])) as Extract<
      Item,
      { kind: 'json' }
    >[]
    const strings = ['"\\u0041"', '"\\/"', '"\\ud83d\\ude00"']
    const sent = [...tokens.map(({ payload }) => payload), ...strings]
    for (const token of sent) expect((await postJson(gateway.url, room, `{ "data" : ${token} }`)).http).toBe(201)
    const { messages } = await history(gateway.url, room, { limit: 1000 })
    const spaced = (raw: string | undefined) => raw?.replace(/[\r\n]/g, ' ')
    expect(messages.map(({ raw }) => spaced(raw))).toEqual(sent.map(spaced))
  })

  test('DATA-2 text and a JSON string are the same', async () => {
    const room = freshRoom()
    const key = { headers: { 'idempotency-key': 'same' } }
    const first = await post(gateway.url, room, 'text/plain', 'hello', key)
    const again = await postJson(gateway.url, room, { data: 'hello', id: 'same' })
    expect([first.http, again.http, again.cursor]).toEqual([201, 200, first.cursor])
  })

  test('DATA-3 base64 is the standard alphabet, padded', async () => {
    const room = freshRoom()
    for (const bytes of ['-_-_', 'QQ', 'QQ=', 'Q===', 'QQ==\n', ' QQ==', 'QQ==QQ==', '*', 5, null]) {
      const { http, code } = await postJson(gateway.url, room, { bytes })
      expect([bytes, http, code]).toEqual([bytes, 400, 'bad_request'])
    }
    expect((await postJson(gateway.url, room, { bytes: '+/+/' })).http).toBe(201)
  })
})

function openAll(gateway: Gateway, room: string, cursor?: string): Promise<Follower[]> {
  return Promise.all(transportsOf(gateway).map((transport) => transport.open(gateway.url, room, { cursor })))
}

const surrogates = ['\\ud800', '\\udfff', 'a\\uDC00\\uD800', '\\ud800\\u0041', '\\ud83d\\ud83d\\ude00']
const notUtf8 = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0x80]]

chapter('data that is not Unicode', (gateway) => {
  describe('DATA-4', () => {
    const shapes = ['"X"', '["X"]', '{"X":1}', '{"a":[{"b":"X"}]}']
    const escaped = shapes.flatMap((shape) => surrogates.map((surrogate) => shape.replace('X', surrogate)))

    test.each(escaped)('DATA-4 %s is refused over HTTP and framed', async (data) => {
      const room = freshRoom()
      const framed = await Framed.open(gateway.url, room)
      const { http, code } = await postJson(gateway.url, room, `{"data":${data}}`)
      expect([http, code]).toEqual([400, 'not_unicode'])
      const error = await framed.provoke(`{"op":"publish","ref":"x","data":${data}}`)
      expect(error).toMatchObject({ type: 'error', ref: 'x', code: 'not_unicode' })
      await say(gateway.url, room, 'marker')
      expect(await framed.payloadsUntil('marker')).toEqual([])
    })

    test.each(['text/plain', 'application/json'])('DATA-4 a body of %s that is not UTF-8 is refused', async (type) => {
      const room = freshRoom()
      for (const bytes of notUtf8) {
        const [before, behind] = type === 'text/plain' ? ['ok', 'ok'] : ['{"data":"', '"}']
        const body = new Uint8Array(Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from(behind)]))
        const { http, code } = await post(gateway.url, room, type, body)
        expect([bytes, http, code]).toEqual([bytes, 400, 'not_unicode'])
      }
      expect(await wholeHistory(gateway.url, room)).toEqual([])
    })
  })
})
