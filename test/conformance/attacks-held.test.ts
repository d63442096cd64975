import { expect, test } from 'vitest'
import { call, url } from './clients/http.ts'
import { ask } from './clients/poll.ts'
import { RawClient } from './clients/raw.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

chapter(
  'attacks by held lines',
  (gateway) => {
    test('AUTH-7, AUTH-8 a poll by its session’s secret alone is ended with the token that it goes by', async () => {
      const [room, other, resume] = [freshRoom(), freshRoom(), freshSecret()]
      // With what clocks may differ by it lives for two seconds more.
      const dying = await token({ exp: -3 })
      const [one, two] = await Promise.all([
        ask(gateway.url, room, { resume, token: dying }),
        ask(gateway.url, [room, other], { resume, token: dying }),
      ])
      const held = [
        ask(gateway.url, room, { resume, cursor: one.cursor, wait: 50 }),
        ask(gateway.url, [room, other], { resume, cursor: two.cursor, wait: 50 }),
      ]
      const started = Date.now()
      for (const ended of await Promise.all(held)) expect(ended).toMatchObject({ http: 200, events: [] })
      expect(Date.now() - started).toBeLessThan(10_000)
      expect((await call(url(gateway.url, room, '/poll', { resume, cursor: one.cursor }))).http).toBe(401)
    })

    // workerd takes one request of a connection at a time.
    test('LIMIT-3 one connection holds no more lines than it may, however many it asks for without waiting', async () => {
      const client = new RawClient(gateway.url)
      const { host } = new URL(gateway.url)
      const room = freshRoom()
      const poll = `GET /v1/rooms/${room}/poll?cursor=0-0&wait=50 HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${API_KEY}\r\n\r\n`
      client.write(poll.repeat(3000))
      const held = async () =>
        (
          (await call(url(gateway.url, room), { headers: bearer(API_KEY) })) as unknown as {
            connections: { poll: number }
          }
        ).connections.poll
      if (gateway.target.name === 'node') await client.gone
      else await expect.poll(held).toBe(1)
      client.socket.destroy()
      if (gateway.target.name === 'node') await expect.poll(held).toBe(0)
    })

    test('AUTH-1 what is asked without waiting is answered in order, as far as it may', async () => {
      const client = new RawClient(gateway.url)
      const { host } = new URL(gateway.url)
      const room = freshRoom()
      const ask = `GET /v1/rooms/${room} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${API_KEY}\r\n\r\n`
      client.write(ask.repeat(15), ask.replace(room, `${room}-last`))
      const heard = await client.until(`${room}-last`)
      expect(heard.match(/HTTP\/1.1 200 OK/g)).toHaveLength(16)
    })
  },
  { env: LOCKED },
)

const [RATE, ROOMS] = [5, 8]

chapter(
  'attacks by loops',
  (gateway) => {
    test('MULTI-7, LIMIT-1 who joins and leaves in a loop is refused, then sent away, and others never notice', async () => {
      const [room, home] = [freshRoom(), freshRoom()]
      const bearer = { token: await token() }
      const other = await Framed.open(gateway.url, room, bearer)
      const loops = await Framed.open(gateway.url, [home], bearer)
      const loop = (i: number) => [
        { op: 'join', room, ref: `join${i}` },
        { op: 'leave', room, ref: `leave${i}` },
      ]
      // A room that is left before it has greeted says nothing; one that is not joined cannot be left.
      const refused = range(2, ROOMS).map((i) => loops.answer(`join${i}`))
      const left = range(ROOMS + 2).map((i) => loops.answer(`leave${i}`))
      loops.send(range(ROOMS + 2).flatMap(loop))
      for (const answer of await Promise.all(refused)) {
        expect(answer).toMatchObject({ type: 'left', room, code: 4011, reason: 'rate', retryAfter: 1 })
      }
      const codes = (await Promise.all(left)).map(({ code }) => code)
      expect(codes).toEqual([...Array(ROOMS).fill(undefined), 'not_found', 'not_found'])
      loops.send(range(100).flatMap(loop))
      expect(await loops.closed).toMatchObject({ code: 4011, reason: 'rate' })
      expect(await other.ask({ op: 'publish', data: 'mine' })).toMatchObject({ type: 'ack' })
      // All that it may have at once it may always join.
      const many = await Framed.open(gateway.url, [home], bearer)
      const rooms = range(ROOMS - 1).map(freshRoom)
      for (const answer of await Promise.all(rooms.map((each) => many.ask({ op: 'join', room: each })))) {
        expect(answer).toMatchObject({ type: 'welcome' })
      }
    })

    test('MULTI-7 a room that is joined already is not said to be left, however often it is joined', async () => {
      const room = freshRoom()
      const client = await Framed.open(gateway.url, [room], { token: await token() })
      const refs = range(ROOMS + 2).map((i) => `again${i}`)
      const answers = refs.map((ref) => client.answer(ref))
      client.send(refs.map((ref) => ({ op: 'join', room, ref })))
      for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ type: 'error', room })
      expect(await client.ask({ op: 'publish', room, data: 'still here' })).toMatchObject({ type: 'ack', room })
    })

    test.each([
      ['one room', RATE],
      ['several', ROOMS],
    ])(
      'LIMIT-1, AUTH-8 who tries tokens in a loop is refused, then sent away; over a connection of %s',
      async (name, most) => {
        const room = freshRoom()
        const client = await Framed.open(gateway.url, name === 'several' ? [room] : room, { token: await token() })
        const names = range(most + 2).map((i) => `t${i}`)
        const answers = names.map((ref) => client.answer(ref))
        client.send(
          names
            .map((ref) => ({ op: 'auth', room, token: 'forged', ref }))
            .map(({ room: it, ...rest }) => ({ ...rest, ...(name === 'several' && { room: it }) })),
        )
        const codes = (await Promise.all(answers)).map(({ code }) => code)
        expect(codes.filter((code) => code === 'rate').length).toBeGreaterThanOrEqual(2)
        expect(codes[0]).toBe('unauthorized')
        client.send(range(100).map(() => ({ op: 'auth', ...(name === 'several' && { room }), token: 'forged' })))
        expect(await client.closed).toMatchObject({ code: 4011, reason: 'rate' })
      },
    )
  },
  { env: { ...LOCKED, HOLDLINE_RATE: `${RATE}`, HOLDLINE_ROOMS_PER_CONNECTION: `${ROOMS}` } },
)

const USER_RATE = 5

chapter(
  'attacks by ghosts',
  (gateway) => {
    test('LIMIT-2, PRES-1 who comes again and again as somebody new is refused, and others hear of no crowd', async () => {
      const room = freshRoom()
      const [eve, ada] = [await token({ sub: 'eve' }), await token()]
      const other = await Framed.open(gateway.url, room, { token: ada, presence: 1 })
      const ghosts = await Promise.all(range(60).map(() => ask(gateway.url, room, { token: eve, presence: 1 })))
      const refused = ghosts.filter(({ http, code }) => http === 429 && code === 'rate')
      expect(refused.length).toBeGreaterThan(30)
      expect(refused.every(({ headers }) => Number(headers.get('retry-after')) > 0)).toBe(true)
      const come = ghosts.filter(({ http }) => http === 200)
      expect(come.length + refused.length).toBe(60)
      const { text } = await call(url(gateway.url, room, '/presence'), { headers: bearer(API_KEY) })
      expect(JSON.parse(text).members).toHaveLength(1 + come.length)
      const sockets = range(30).map(() => new Framed(gateway.url, room, { token: eve }))
      expect(await Promise.any(sockets.map(({ closed }) => closed))).toMatchObject({ code: 4011, reason: 'rate' })
      for (const { socket } of sockets) socket.terminate()
      // Who comes back as who they were is no ghost, and nobody else is kept out.
      const [{ resume, cursor }] = come as unknown as [{ resume: string; cursor: string }]
      expect((await ask(gateway.url, room, { token: eve, resume, cursor, wait: 0 })).http).toBe(200)
      expect(await other.ask({ op: 'publish', data: 1 })).toMatchObject({ type: 'ack' })
      expect((await ask(gateway.url, room, { token: ada })).http).toBe(200)
    })
  },
  { env: { ...LOCKED, HOLDLINE_USER_RATE: `${USER_RATE}` } },
)
