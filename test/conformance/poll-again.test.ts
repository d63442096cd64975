import { expect, test } from 'vitest'
import { eventually } from '../targets/target.ts'
import { call, post, url } from './clients/http.ts'
import { HttpLine } from './clients/http-line.ts'
import { API_KEY, bearer, LOCKED, token } from './clients/tokens.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

/** How a client polls: again and again over the connection that it has, each request like the one before but for the cursor. */
chapter(
  'polls over one connection',
  (gateway) => {
    const backend = bearer(API_KEY)
    const publish = async (room: string, data: string) => {
      const answer = await post(gateway.url, room, 'text/plain', data, { headers: backend })
      expect(answer.http).toBe(201)
    }
    const held = (room: string, count: number) =>
      eventually(`${count} polls are held`, async () => {
        return (await call(url(gateway.url, room), { headers: backend })).connections?.poll === count
      })
    const data = ({ events }: { events: { data?: unknown }[] }) => events.map((event) => event.data)
    /** One that has polled until it is known. */
    const poller = async ({ sub = 'ada', exp = 3600 } = {}) => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const line = new HttpLine(gateway.url)
      const headers = bearer(await token({ sub, exp }))
      const path = (cursor?: string) =>
        `/v1/rooms/${room}/poll?resume=${resume}${cursor === undefined ? '' : `&cursor=${cursor}`}&wait=55`
      let cursor: string | undefined
      const asked = (next = path(cursor)) => line.write(line.get(next, headers))
      const answered = async () => {
        const answer = await line.next()
        if (answer.cursor !== undefined) cursor = answer.cursor
        return answer
      }
      asked()
      await answered()
      for (const i of range(3)) {
        asked()
        await held(room, 1)
        await publish(room, `${i}`)
        expect(data(await answered())).toEqual([`${i}`])
      }
      return { room, line, headers, path, asked, answered, at: () => cursor as string }
    }

    test('POLL-3, POLL-5 each is answered for itself, be it at once or when something comes', async () => {
      const { room, asked, answered, path, at } = await poller()
      const ids = new Set<string>()
      for (const text of ['plain', 'ünïcödé ☃ 𝄞', '"\\\n', 'x'.repeat(40_000)]) {
        asked()
        await held(room, 1)
        await publish(room, text)
        const answer = await answered()
        expect([answer.http, data(answer)]).toEqual([200, [text]])
        expect(answer.head).toMatch(/^cache-control: no-store$/im)
        expect(answer.head).toMatch(/^content-type: application\/json$/im)
        ids.add(/^x-request-id: (\S+)$/im.exec(answer.head)?.[1] ?? '')
      }
      expect(ids.size).toBe(4)
      const before = at()
      for (const text of ['a', 'b']) await publish(room, text)
      for (const _ of range(2)) {
        asked(path(before))
        expect(data(await answered())).toEqual(['a', 'b'])
      }
      await held(room, 0)
    })

    test('FOLLOW-1 who names no session is given one of its own each time: a proxy may have others share its connection', async () => {
      const { room, line, headers, at } = await poller()
      const given = []
      for (const _ of range(5)) given.push(await line.ask(`/v1/rooms/${room}/poll?cursor=${at()}&wait=0`, headers))
      expect(given.map(({ http }) => http)).toEqual(given.map(() => 200))
      expect(new Set(given.map(({ session }) => session)).size).toBe(5)
      expect(new Set(given.map(({ resume }) => resume)).size).toBe(5)
    })

    test('CUR-1 with a cursor that is none it is refused, and the next is answered', async () => {
      const { room, asked, answered, path, at } = await poller()
      const cursor = at()
      for (const bad of ['abc', `${cursor.slice(0, -1)}`, cursor.replace('-1', '-2')]) {
        asked(path(bad))
        expect(await answered()).toMatchObject({ http: 400, code: 'bad_cursor' })
      }
      asked(path(cursor))
      await held(room, 1)
      await publish(room, 'then')
      expect(data(await answered())).toEqual(['then'])
    })

    test('POLL-3 what comes in pieces, or several at a time, is answered in order', async () => {
      const { room, line, headers, path, answered, at } = await poller()
      const request = line.get(path(at()), headers)
      const before = at()
      line.write(request.slice(0, 40))
      await new Promise((resolve) => setImmediate(resolve))
      line.write(request.slice(40))
      await held(room, 1)
      await publish(room, 'in pieces')
      expect(data(await answered())).toEqual(['in pieces'])
      // Known again, and then asked for before it is answered.
      for (const text of ['x', 'y']) {
        line.write(line.get(path(at()), headers))
        await held(room, 1)
        await publish(room, text)
        expect(data(await answered())).toEqual([text])
      }
      line.write(line.get(path(at()), headers))
      await held(room, 1)
      line.write(line.get(path(before), headers) + line.get('/healthz'))
      await publish(room, 'z')
      expect(data(await answered())).toEqual(['z'])
      expect(data(await answered())).toEqual(['in pieces', 'x', 'y', 'z'])
      expect((await answered()).http).toBe(200)
    })

    test('POLL-5, PUB-1 what has the bytes of a poll is none where it is the body of another request', async () => {
      const { room, line, headers, path, answered, at } = await poller()
      const poll = line.get(path(at()), headers)
      const head = [
        `POST /v1/rooms/${room}/messages HTTP/1.1`,
        `host: ${new URL(gateway.url).host}`,
        `authorization: ${backend.authorization}`,
        'content-type: text/plain',
        `content-length: ${poll.length}`,
      ]
      line.write(`${head.join('\r\n')}\r\n\r\n`)
      await new Promise((resolve) => setTimeout(resolve, 50))
      line.write(poll)
      expect((await answered()).http).toBe(201)
      line.write(poll)
      expect(data(await answered()).at(-1)).toBe(poll)
    })

    test('AUTH-9 who is revoked is refused, be it while it is held or when it asks again', async () => {
      const sub = freshSecret()
      const { room, asked, answered } = await poller({ sub })
      asked()
      await held(room, 1)
      const body = JSON.stringify({ room, user: sub })
      expect((await call(`${gateway.url}/v1/revoke`, { method: 'POST', headers: backend, body })).http).toBe(200)
      for (const _ of range(2)) {
        expect(await answered()).toMatchObject({ http: 401, code: 'revoked' })
        asked()
      }
      await held(room, 0)
    })

    test('AUTH-8 whose token has ended is refused when it asks again', async () => {
      const { asked, answered, path } = await poller({ exp: 1 })
      // Five seconds are let pass for clocks that differ.
      const ends = Date.now() + 7000
      await eventually('the token has ended', async () => Date.now() > ends)
      asked(path('0-0'))
      expect(await answered()).toMatchObject({ http: 401, code: 'token_expired' })
    })
  },
  { env: LOCKED },
)
