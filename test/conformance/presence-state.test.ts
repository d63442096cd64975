import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/protocol/limits.ts'
import { call, say, url } from './clients/http.ts'
import { tellingTransportsOf } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { putPresence, sessionInfo, whoIsHere } from './clients/presence.ts'
import { members } from './clients/rawjson.ts'
import { Line } from './clients/tcp.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret } from './suite.ts'

const MOST = 1024
const textOf = (bytes: number, char = 'x') => JSON.stringify(char.repeat((bytes - 2) / Buffer.byteLength(char)))

const refused = [
  { name: 'no state', body: '{}', code: 'bad_request' },
  { name: 'no JSON', body: '{"state":', code: 'bad_request' },
  { name: 'another field', body: '{"state":1,"x":1}', code: 'unknown_field' },
  { name: 'a lone surrogate', body: '{"state":"\\ud800"}', code: 'not_unicode' },
  { name: 'a lone surrogate in a key', body: '{"state":{"\\udc00":1}}', code: 'not_unicode' },
  { name: 'a byte too much', body: `{"state":${textOf(MOST + 1)}}`, code: 'too_large' },
  { name: 'a byte too much in few letters', body: `{"state":${textOf(MOST + 3, '語')}}`, code: 'too_large' },
]

chapter('presence state', (gateway) => {
  const watch = (room: string) => Framed.open(gateway.url, room, { presence: 1 })

  test('PRES-2 the limit is what the protocol says', () => expect(LIMITS.presenceState).toBe(MOST))

  describe.each(tellingTransportsOf(gateway))('$name', ({ name, open }) => {
    test('PRES-2 its client sets its state, all who hear of presence hear it, itself too, once', async () => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const watcher = await watch(room)
      const reader = await open(gateway.url, room, { resume, presence: 1 })
      const { session } = reader.welcome
      // A state that is set before that may be told with it.
      for (const each of [reader, watcher]) await each.inbox.until(({ action }) => action === 'sync')
      for (const state of ['{"mood":"good"}', '[]', 'null']) {
        if (reader instanceof Framed || reader instanceof Line) reader.send(`{"op":"presence","state":${state}}`)
        else expect(await putPresence(gateway.url, room, resume, `{"state":${state}}`)).toMatchObject({ http: 200 })
        // One after the other, so that a poll is there for each.
        for (const each of [reader, watcher]) {
          const changes = await each.inbox.until((event) => event.action === 'update' || name === 'poll')
          expect(changes.length).toBeGreaterThan(0)
        }
      }
      await say(gateway.url, room, 'end')
      await reader.inbox.until(({ payload }) => payload === 'end')
      const here = (await whoIsHere(gateway.url, room)).members.find((each) => each.session === session)
      expect(here).toEqual({ session })
    })
  })

  test('PRES-2, DATA-1 the state arrives with the tokens that it was set with, wherever it is told', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const state = '{ "a" : 1.0 , "a" : 1e400, "big": 1152921504606846977, "t": "\\u00e9\\/" }'
    const watcher = await watch(room)
    const framed = await Framed.open(gateway.url, room, { resume, presence: 1 })
    await framed.ask({ op: 'presence', state: 0 })
    for (const spaced of [state, state.replaceAll(' ', '\n')]) {
      const set = { http: () => putPresence(gateway.url, room, resume, `{"state":${spaced}}`), framed }
      if (spaced === state) await set.http()
      else framed.send(`{"op":"presence","ref":1,"state":${spaced}}`)
      const told = await watcher.inbox.until(({ action, state }) => action === 'update' && state !== 0)
      expect(told.at(-1)?.state).toBeTruthy()
      expect(watcher.packs.at(-1)).toContain(`"state":${state}`)
      const rest = `/sessions/${framed.welcome.session}`
      expect(members((await call(url(gateway.url, room, rest))).text).get('state')).toBe(state)
      for (const path of ['/presence', '/sessions'])
        expect((await call(url(gateway.url, room, path))).text).toContain(`"state":${state}`)
      const late = await watch(room)
      await late.next()
      expect(late.packs.join('')).toContain(`"state":${state}`)
    }
  })

  test.each(refused)('PRES-2 over HTTP $name is refused: $code', async ({ body, code }) => {
    const [room, resume] = [freshRoom(), freshSecret()]
    await ask(gateway.url, room, { resume, presence: 1 })
    const answer = await putPresence(gateway.url, room, resume, body)
    expect([answer.http, answer.code]).toEqual([code === 'too_large' ? 413 : 400, code])
    expect((await whoIsHere(gateway.url, room)).members[0]).not.toHaveProperty('state')
  })

  test.each(refused.filter(({ name }) => name !== 'no JSON'))(
    'PRES-2 framed $name is refused: $code',
    async ({ body, code }) => {
      const framed = await watch(freshRoom())
      framed.send(body.replace('{', '{"op":"presence","ref":"r",').replace(',}', '}'))
      const answer = await framed.inbox.until(({ type }) => type === 'error')
      expect(answer.at(-1)).toMatchObject({ ref: 'r', code })
    },
  )

  test.each([
    { name: 'ASCII', state: textOf(MOST) },
    { name: 'three bytes a letter', state: textOf(MOST - 1, '語') },
    { name: 'escapes', state: `"${'\\u0041'.repeat(170)}xx"` },
  ])('PRES-2 a state of 1,024 bytes of $name is taken', async ({ state }) => {
    const [room, resume] = [freshRoom(), freshSecret()]
    await ask(gateway.url, room, { resume, presence: 1 })
    expect(Buffer.byteLength(state)).toBeGreaterThan(MOST - 3)
    expect((await putPresence(gateway.url, room, resume, `{"state":${state}}`)).http).toBe(200)
    expect((await whoIsHere(gateway.url, room)).members[0]?.state).toBe(JSON.parse(state))
  })

  test('PRES-2 a body that is much too large, or not UTF-8, is refused', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    await ask(gateway.url, room, { resume, presence: 1 })
    const put = (body: string | Uint8Array<ArrayBuffer>) =>
      call(url(gateway.url, room, '/presence', { resume }), { method: 'PUT', body })
    expect(await put(`{"state":"${'x'.repeat(200_000)}"}`)).toMatchObject({ http: 413, code: 'too_large' })
    expect(await put(Buffer.from('{"state":"\xff"}', 'latin1'))).toMatchObject({ http: 400, code: 'not_unicode' })
  })

  test('PRES-2 who has no session has no presence: 404; without a secret, or with a bad one: 400', async () => {
    const room = freshRoom()
    await watch(room)
    const put = (resume: string | undefined) => putPresence(gateway.url, room, resume, '{"state":1}')
    expect(await put(freshSecret())).toMatchObject({ http: 404, code: 'not_found' })
    expect(await put(undefined)).toMatchObject({ http: 400, code: 'bad_request' })
    expect(await put('short')).toMatchObject({ http: 400, code: 'bad_request' })
    expect((await whoIsHere(gateway.url, room)).count).toBe(1)
  })

  test('PRES-2 who was not present is from then on: others hear a join with the state; itself hears nothing', async () => {
    const room = freshRoom()
    const watcher = await watch(room)
    const secrets = { framed: freshSecret(), plain: freshSecret(), poll: freshSecret() }
    const framed = await Framed.open(gateway.url, room, { resume: secrets.framed })
    await Plain.open(gateway.url, room, { resume: secrets.plain })
    const { session } = await ask(gateway.url, room, { resume: secrets.poll })
    expect((await framed.ask({ op: 'presence', state: 'framed' })).type).toBe('ack')
    expect((await putPresence(gateway.url, room, secrets.plain, '{"state":"plain"}')).http).toBe(200)
    expect((await putPresence(gateway.url, room, secrets.poll, '{"state":"poll"}')).http).toBe(200)
    await say(gateway.url, room, 'end')
    const told = (await watcher.presenceUntil('end')).filter(({ state }) => state !== undefined)
    expect(told.map(({ action, state }) => [action, state])).toEqual([
      ['join', 'framed'],
      ['join', 'plain'],
      ['join', 'poll'],
    ])
    expect(await framed.presenceUntil('end')).toEqual([])
    expect(await sessionInfo(gateway.url, room, `${session}`)).toMatchObject({ present: true, state: 'poll' })
    const again = await Framed.open(gateway.url, room, { resume: secrets.framed, presence: 1 })
    await say(gateway.url, room, 'end')
    expect(await watcher.presenceUntil('end')).toEqual([])
    expect((await again.presenceUntil('end'))[0]?.members).toContainEqual({
      session: framed.welcome.session,
      state: 'framed',
    })
  })

  test('PRES-2, ERR-4 presence is told in the order of the feed: after what was said before, before what was said after', async () => {
    const room = freshRoom()
    const [watcher, ben] = [await watch(room), await watch(room)]
    ben.send([
      { op: 'publish', data: 1, echo: false },
      { op: 'presence', state: 'a' },
      { op: 'publish', data: 2, echo: false },
      { op: 'publish', data: 'typing', ephemeral: true },
      { op: 'presence', state: null },
      { op: 'publish', data: 'end', echo: false },
    ])
    const heard = await watcher.inbox.until(({ payload }) => payload === 'end')
    const own = heard.filter((event) => event.type === 'message' || event.action === 'update')
    expect(own.map(({ data, action, state }) => action ?? data ?? state)).toEqual([
      1,
      'update',
      2,
      'typing',
      'update',
      'end',
    ])
  })
})
