import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { node } from '../targets/node.ts'
import { info, say, wholeHistory } from './clients/http.ts'
import { Line } from './clients/tcp.ts'
import { Framed } from './clients/websocket.ts'
import { freshRoom, freshSecret, Gateway, range } from './suite.ts'

const gateway = new Gateway(node)
beforeAll(() => gateway.start())
afterAll(() => gateway.stop())

// Workers take TCP from nobody, so there is nothing to try; the skip says so where the others are listed.
test.skip('TCP-1 on workerd: the platform hands over HTTP requests, and no sockets', () => {})

/** Sends exactly that, and hears the last words. */
async function lastWords(...pieces: (string | Uint8Array)[]) {
  const line = Line.dial(gateway.url)
  for (const piece of pieces) line.socket.write(piece)
  return line.ended
}

const open = (room: string, fields: object = {}) => `${JSON.stringify({ op: 'open', room, ...fields })}\n`

describe('TCP on node', () => {
  test('TCP-1 the first line takes what the query of a WebSocket takes, numbers too, and the events follow, one per line', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    for (const data of ['a', 'b', 'c']) await say(gateway.url, room, data)
    const framed = await Framed.open(gateway.url, room, { resume })
    const line = await Line.open(gateway.url, room, { rewind: 2, resume, presence: 1 })
    expect(line.welcome).toMatchObject({ room, session: framed.welcome.session, heartbeat: 25, recovered: false })
    expect((await line.messages(2)).map(({ payload }) => payload)).toEqual(['b', 'c'])
    expect(await line.next()).toMatchObject({ type: 'presence', action: 'sync', count: 1 })
    expect((await info(gateway.url, room)).connections?.tcp).toBe(1)
    const again = await Line.open(gateway.url, room, { cursor: line.cursor, rewind: '2', presence: '0' })
    expect(again.welcome.recovered).toBe(true)
    await say(gateway.url, room, 'd')
    expect((await again.messages(1))[0]?.payload).toBe('d')
  })

  test('TCP-1, WS-3, WS-4, WS-5 operations are lines, with CRLF or LF, in any pieces, and each is answered', async () => {
    const room = freshRoom()
    const line = Line.dial(gateway.url)
    const text = [
      `\r\n${open(room).trim()}\r\n`,
      '\n{"op":"publish","ref":1,"data":"ä😀","echo":false}\r\n',
      '[{"op":"publish","ref":2,"bytes":"AAE="},{"op":"nope","ref":3}]\n',
      '{"op":"ping"}\n{"op":"history","ref":4}\n',
    ].join('')
    const answers = [1, 2, 3, 4].map((ref) => line.answer(ref))
    for (const byte of Buffer.from(text)) line.socket.write(Uint8Array.of(byte))
    await line.greeting()
    expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['ack', 'ack', 'error', 'history'])
    await line.inbox.until(({ type }) => type === 'pong')
    expect((await wholeHistory(gateway.url, room)).map(({ data, bytes }) => data ?? bytes)).toEqual(['ä😀', 'AAE='])
  })

  test.each([
    ['no JSON', 'hello\n', 4500, 'bad_request'],
    ['no object', '[]\n', 4500, 'unknown_op'],
    ['null', 'null\n', 4500, 'bad_request'],
    ['another operation', '{"op":"publish","data":1}\n', 4500, 'unknown_op'],
    ['no room', '{"op":"open"}\n', 4500, 'bad_request'],
    ['a room of no such name', open('a b'), 4500, 'bad_room'],
    ['a name of the path', open('..'), 4500, 'bad_room'],
    ['a malformed cursor', open('r', { cursor: '!' }), 4500, 'bad_cursor'],
    ['a malformed rewind', open('r', { rewind: -1 }), 4500, 'bad_request'],
    ['a short secret', open('r', { resume: 'short' }), 4500, 'bad_request'],
    ['malformed presence', open('r', { presence: 'yes' }), 4500, 'bad_request'],
    ['presence that is no text', open('r', { presence: {} }), 4500, 'bad_request'],
    ['a token with a line break', open('r', { token: 'a\nb' }), 4500, 'bad_request'],
    ['an unknown field', open('r', { rooms: 'a,b' }), 4500, 'unknown_field'],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x0a]), 1007, 'not_unicode'],
    ['more than it may have', 'x'.repeat(16_385), 1009, 'too_large'],
    ['more than it may have, whole', open('r', { token: 'x'.repeat(16_385) }), 1009, 'too_large'],
    // A page that makes a browser send this to the port must not get to its second line.
    [
      'HTTP',
      `POST / HTTP/1.1\r\nHost: x\r\n\r\n${open('browsed')}{"op":"publish","data":"forged"}\n`,
      4500,
      'bad_request',
    ],
  ])('TCP-2, TCP-3 a first line with %s is refused with a reason', async (_, first, code, reason) => {
    const closing = await lastWords(first)
    expect([closing?.code, `${closing?.reason}`.split(/\W/)[0]]).toEqual([code, reason])
    expect((await info(gateway.url, 'browsed')).cursor).toBe('0-0')
  })

  test('TCP-4, ERR-2 what is no operation is answered with an error, and the connection goes on', async () => {
    const line = await Line.open(gateway.url, freshRoom())
    for (const text of ['x', '{', '5', '""', 'null', '[5]', '{"op":"ping","x":1}', '{"op":"publish"}', '\u0000']) {
      line.send(text)
      expect([text, (await line.next()).type]).toEqual([text, 'error'])
    }
    expect(await line.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'ack' })
  })

  test.each([
    ['not UTF-8', Buffer.from('{"op":"publish","data":"\xed\xa0\x80"}\n', 'latin1'), 1007],
    ['longer than SIZE-2 has it', 'x'.repeat(6 * 65_536 + 16_385), 1009],
  ])('TCP-4, ERR-4 who sends a line that is %s is ended, and nobody else notices', async (_, text, code) => {
    const room = freshRoom()
    const [line, other] = [await Line.open(gateway.url, room), await Line.open(gateway.url, room)]
    line.socket.write(text)
    expect((await line.ended)?.code).toBe(code)
    expect(await other.ask({ op: 'publish', data: 'marker' })).toMatchObject({ type: 'ack' })
    expect(await other.payloadsUntil('marker')).toEqual([])
  })

  test('TCP-4, WS-9 what comes before the welcome is kept, and answered in order after it', async () => {
    const room = freshRoom()
    const line = Line.dial(gateway.url)
    line.socket.write(
      open(room) +
        range(500)
          .map((ref) => `{"op":"publish","ref":${ref},"data":${ref}}\n`)
          .join(''),
    )
    await line.answer(499)
    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(500))
  })

  test('ERR-4 who vanishes within a line, by FIN or RST, harms nobody', async () => {
    const room = freshRoom()
    const other = await Line.open(gateway.url, room)
    for (const leave of ['end', 'resetAndDestroy', 'destroy'] as const) {
      const line = await Line.open(gateway.url, room)
      line.socket.write('{"op":"publish","data":"never fin')
      line.socket[leave]()
      await line.ended
    }
    const silent = Line.dial(gateway.url)
    silent.socket.end()
    expect(await silent.ended).toBeUndefined()
    await other.ask({ op: 'publish', data: 'marker' })
    expect(await other.payloadsUntil('marker')).toEqual([])
    await expect.poll(async () => (await info(gateway.url, room)).connections?.tcp).toBe(1)
  })

  test('TCP-5 who sends its end has all that it asked for answered, and is ended without a closing; a last line needs no end', async () => {
    const room = freshRoom()
    const line = Line.dial(gateway.url)
    const asked = range(200).map((ref) => `{"op":"publish","ref":${ref},"data":${ref}}\n`)
    line.socket.end(
      `${open(room)}${asked.join('')}{"op":"history","ref":"h"}\n{"op":"presence","ref":"last","state":1}`,
    )
    const answers = await Promise.all([...range(200), 'h', 'last'].map((ref) => line.answer(ref)))
    expect(answers.map(({ type }) => type)).toEqual([...range(200).map(() => 'ack'), 'history', 'ack'])
    expect(await line.ended).toBeUndefined()
    expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(range(200))
  })

  test('TCP-5 who sends its end at once is caught up first, however slowly it reads', async () => {
    const room = freshRoom()
    const fat = 'x'.repeat(60_000)
    for (const i of range(300)) await say(gateway.url, room, `${i} ${fat}`)
    const line = Line.dial(gateway.url)
    line.socket.pause()
    line.socket.end(open(room, { cursor: '0-0' }))
    // 18 MB: the system's buffers alone take some 4 MB. More than all on the way take has been written to the room since, and nothing of it to this one.
    await expect.poll(async () => (await info(gateway.url, room)).connections?.tcp).toBe(1)
    line.socket.resume()
    const heard = (await line.messages(300)).map(({ payload }) => `${payload}`.split(' ')[0])
    expect(heard).toEqual(range(300).map(String))
    expect(await line.ended).toBeUndefined()
    // In a room that nobody has written to there is nothing to wait for, and nothing is written by it (FOLLOW-7).
    const empty = freshRoom()
    const brief = Line.dial(gateway.url)
    brief.socket.end(open(empty))
    await brief.greeting()
    expect(await brief.ended).toBeUndefined()
    expect((await info(gateway.url, empty)).cursor).toBe('0-0')
  })

  test('FAN-2 who does not read is behind, harms nobody, and gets all of it when reading again', async () => {
    const room = freshRoom()
    const [stuck, publisher] = [await Line.open(gateway.url, room), await Line.open(gateway.url, room)]
    stuck.socket.pause()
    const fat = 'x'.repeat(60_000)
    for (const i of range(200)) await publisher.ask({ op: 'publish', data: `${i} ${fat}`, echo: false })
    stuck.socket.resume()
    const heard = (await stuck.messages(200)).map(({ payload }) => `${payload}`.split(' ')[0])
    expect(heard).toEqual(range(200).map(String))
    await say(gateway.url, room, 'live again')
    expect((await stuck.messages(1))[0]?.payload).toBe('live again')
  })

  test('SES-3, SES-6 it is one of four connections of its session, and goes when that is ended', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const oldest = await Line.open(gateway.url, room, { resume })
    const others: Line[] = []
    for (const _ of range(4)) others.push(await Line.open(gateway.url, room, { resume }))
    expect(await oldest.ended).toMatchObject({ type: 'closing', code: 4505, reason: 'replaced' })
    const ended = await fetch(`${gateway.url}/v1/rooms/${room}/sessions/${oldest.welcome.session}`, {
      method: 'DELETE',
    })
    expect(ended.status).toBe(204)
    for (const line of others) expect(await line.ended).toMatchObject({ code: 4506, reason: 'disconnected' })
  })

  test('AUTH-11, TCP-8 while it is open to this machine alone, who comes from another address is refused', async () => {
    const line = Line.dial(gateway.url, '127.0.0.3')
    line.send({ op: 'open', room: freshRoom() })
    expect(await line.ended).toMatchObject({ code: 4503, reason: expect.stringMatching(/^host: /) })
  })
})
