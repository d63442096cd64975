import { describe, expect, test } from 'vitest'
import { call, history, post, postJson, say, url } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { FRAMED_HEADER, frame, handshake, OPCODE, RawClient } from './clients/raw.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, range } from './suite.ts'

const crossed = [
  { name: 'an unknown field of the body', body: '{"data":1,"Data":2}', answer: '400 unknown_field' },
  { name: 'an inherited name', body: '{"data":1,"__proto__":{"id":"x"}}', answer: '400 unknown_field' },
  { name: 'a field of an operation', body: '{"op":"publish","data":1}', answer: '400 unknown_field' },
  { name: 'NaN', body: '{"data":NaN}', answer: '400 bad_request' },
  { name: 'a comment', body: '{"data":1/**/}', answer: '400 bad_request' },
  { name: 'a raw control character', body: '{"data":"\u0001"}', answer: '400 bad_request' },
  { name: 'a raw line break within text', body: '{"data":"a\nb"}', answer: '400 bad_request' },
  { name: 'a bad escape', body: '{"data":"\\x41"}', answer: '400 bad_request' },
  { name: 'an id in another script', body: '{"data":1,"id":"ключ"}', answer: '400 bad_request' },
]

chapter('bad input', (gateway) => {
  test.each(crossed)('ERR-1, ERR-3 over HTTP $name is $answer', async ({ body, answer }) => {
    const room = freshRoom()
    const { http, code } = await postJson(gateway.url, room, body)
    expect(`${http} ${code}`).toBe(answer)
    expect((await history(gateway.url, room)).messages).toEqual([])
  })

  test('DATA-1 a name written with escapes is that name, and of a repeated one what is checked is what is sent', async () => {
    const room = freshRoom()
    expect((await postJson(gateway.url, room, '{"\\u0064ata":"escaped"}')).http).toBe(201)
    expect((await history(gateway.url, room)).messages.map(({ data }) => data)).toEqual(['escaped'])
    const repeated = await postJson(gateway.url, room, '{"data":"\\ud800","data":"good"}')
    const { messages } = await history(gateway.url, room)
    if (repeated.http === 201) expect(messages.at(-1)?.raw).toBe('"good"')
    else expect([repeated.http, messages.length]).toEqual([400, 1])
    const hidden = await postJson(gateway.url, room, '{"data":"good","data":"\\ud800"}')
    expect(hidden.http).toBe(400)
  })

  test('ERR-1 JSON that is nested without end is taken or refused, and never breaks the room', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    const deep = '['.repeat(30_000) + ']'.repeat(30_000)
    const { http } = await postJson(gateway.url, room, `{"data":${deep}}`)
    expect([201, 400]).toContain(http)
    framed.send(`{"op":"publish","ref":1,"echo":false,"data":${deep}}`)
    const ack = (await framed.inbox.until(({ ref }) => ref === 1)).at(-1)
    expect(ack?.type).toBe(http === 201 ? 'ack' : 'error')
    framed.send('['.repeat(100_000))
    expect((await framed.inbox.until(({ type }) => type === 'error')).at(-1)).toMatchObject({ code: 'bad_request' })
    await say(gateway.url, room, 'marker')
    await framed.payloadsUntil('marker')
  })

  test('ERR-1 what is no route or no method is answered, and is no 5xx', async () => {
    const room = freshRoom()
    for (const [method, path] of [
      ['GET', '/v1'],
      ['DELETE', '/v1/rooms'],
      ['GET', '/v1/rooms//messages'],
      ['GET', `/v1/rooms/${room}/nope`],
      ['DELETE', `/v1/rooms/${room}/messages`],
      ['PUT', `/v1/rooms/${room}`],
      ['POST', `/v1/rooms/${room}/poll`],
      ['GET', '/v1/rooms/%/messages'],
      ['GET', '/v1/rooms/%ff/messages'],
      ['GET', '/v1/rooms/%00/poll'],
    ] as const) {
      const { http } = await call(`${gateway.url}${path}`, { method })
      expect([method, path, http >= 400 && http < 500]).toEqual([method, path, true])
    }
  })

  test('ERR-1, WS-8 a query that is not even UTF-8 is refused', async () => {
    const room = freshRoom()
    for (const query of ['cursor=%ff', 'cursor=%', 'rewind=%00', 'resume=%ed%a0%80', 'cursor=%F0%9F%98%80']) {
      const { http } = await call(`${gateway.url}/v1/rooms/${room}/poll?${query}`)
      expect([query, http]).toEqual([query, 400])
    }
  })

  test('PUB-9, SIZE-1 an oversized body of each type is 413', async () => {
    const room = freshRoom()
    const large = 'x'.repeat(3_000_000)
    for (const type of ['application/json', 'text/plain', undefined]) {
      const body = type === 'application/json' ? `{"data":"${large}"}` : large
      expect(await post(gateway.url, room, type, body)).toMatchObject({ http: 413, code: 'too_large' })
    }
  })

  describe.each(transportsOf(gateway))('$name', (transport) => {
    test('ERR-4 clients that vanish mid-frame harm no other client of the room', async () => {
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room)
      const whole = frame('{"op":"publish","data":"never finished"}')
      for (const cut of [1, 2, 5, 6, whole.length - 1]) {
        for (const leave of ['end', 'resetAndDestroy'] as const) {
          const raw = new RawClient(gateway.url)
          raw.write(handshake(gateway.url, room, FRAMED_HEADER))
          await raw.until('"welcome"')
          raw.write(whole.subarray(0, cut))
          raw.socket[leave]()
          await raw.gone
        }
      }
      const halfShaken = new RawClient(gateway.url)
      halfShaken.write(handshake(gateway.url, room).slice(0, 60))
      halfShaken.socket.destroy()
      await say(gateway.url, room, 'marker')
      expect(await reader.payloadsUntil('marker')).toEqual([])
    })

    test('ERR-4 frames that are no WebSocket harm no other client of the room', async () => {
      const room = freshRoom()
      const reader = await transport.open(gateway.url, room)
      const unmasked = Buffer.from([0x81, 0x02, 0x68, 0x69])
      const unknownOpcode = frame('x', 0x3)
      const longPing = frame('x'.repeat(200), OPCODE.ping)
      const loneContinuation = frame('x', 0x0)
      const reserved = Buffer.from(frame('x'))
      reserved[0] = 0xf1
      for (const broken of [
        unmasked,
        unknownOpcode,
        longPing,
        loneContinuation,
        reserved,
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      ]) {
        const raw = new RawClient(gateway.url)
        raw.write(handshake(gateway.url, room, FRAMED_HEADER))
        await raw.until('"welcome"')
        raw.write(broken)
      }
      // Their own connections may stay or go, as the platform will have it.
      await say(gateway.url, room, 'marker')
      expect(await reader.payloadsUntil('marker')).toEqual([])
    })
  })

  test('DATA-4 text that is not UTF-8 on a WebSocket ends it, or is mended by the platform before anybody sees it', async () => {
    const room = freshRoom()
    const [plain, framed] = [await Plain.open(gateway.url, room), await Framed.open(gateway.url, room)]
    const mended: string[] = []
    for (const headers of [{}, FRAMED_HEADER]) {
      for (const bytes of [[0xff], [0x61, 0xed, 0xa0, 0x80], [0xc3]]) {
        const raw = new RawClient(gateway.url)
        const text =
          headers === FRAMED_HEADER ? [...Buffer.from('{"op":"publish","data":"'), ...bytes, 0x22, 0x7d] : bytes
        raw.write(handshake(gateway.url, room, headers), frame(Uint8Array.from(text)))
        await raw.until('HTTP/1.1 101')
        // workerd decodes for us, and what was not UTF-8 cannot be told any more.
        if (gateway.target.name === 'workerd') {
          mended.push(new TextDecoder().decode(Uint8Array.from(bytes)))
          expect((await plain.messages(1))[0]?.payload).toBe(mended.at(-1))
        } else {
          await raw.gone
        }
      }
    }
    await say(gateway.url, room, 'marker')
    expect(await plain.payloadsUntil('marker')).toEqual([])
    expect(await framed.payloadsUntil('marker')).toEqual(mended)
  })

  test('ERR-4 a hundred malformed handshakes at once leave the room to the others', async () => {
    const room = freshRoom()
    const framed = await Framed.open(gateway.url, room)
    const queries = [{ cursor: '!' }, { rewind: 'x' }, { resume: '' }, { cursor: '0-0', resume: 'x' }]
    const refused = range(100).map((i) => new Framed(gateway.url, room, queries[i % queries.length]).closed)
    for (const { code } of await Promise.all(refused)) expect(code).toBe(4500)
    expect((await call(url(gateway.url, room))).connections?.websocket).toBe(1)
    await framed.ask({ op: 'publish', data: 'marker' })
    expect(await framed.payloadsUntil('marker')).toEqual([])
  })
})
