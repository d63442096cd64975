import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ServerEvent } from './clients/events.ts'
import { wholeHistory } from './clients/http.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const OPERATIONS = 1500
const BATCH = 50
/** Another run of the same: `FUZZ_SEED=… npx vitest run test/conformance/multi-fuzz.test.ts`. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)

const oddly = fc.oneof(fc.jsonValue(), fc.constantFrom('0-0', -1, 1e300, null, true, [], {}))
const operation = fc.record(
  {
    op: fc.oneof(
      { weight: 8, arbitrary: fc.constant('publish') },
      { weight: 2, arbitrary: fc.constantFrom('history', 'presence', 'dance', '', 'constructor', '__proto__') },
      { weight: 1, arbitrary: oddly },
    ),
    ref: fc.oneof({ weight: 9, arbitrary: fc.nat() }, { weight: 1, arbitrary: oddly }),
    data: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue(), fc.constant({ room: 'x', op: 'leave' })),
    id: fc.oneof(fc.constantFrom('same', 'other'), fc.string()),
    event: fc.constantFrom('room', 'x', '?'),
    to: fc.oneof(fc.record({ sessions: fc.array(fc.constant('nobody')) }), oddly),
    ephemeral: fc.oneof(fc.boolean(), oddly),
    limit: fc.oneof(fc.nat(), oddly),
    state: fc.oneof(fc.constant(null), oddly),
    surprise: oddly,
  },
  { requiredKeys: ['op', 'ref', 'data'] },
)
const published = fc.record({ op: fc.constant('publish'), ref: fc.nat(), data: fc.jsonValue() })
const space = fc.constantFrom('', ' ', '\n', '\r\n\t ')

/** The text of an operation, and of the same with `room` somewhere in it, written in one way or another. */
const pair = fc
  .tuple(fc.oneof(operation, published), space, fc.nat(), fc.constantFrom('"room"', '"r\\u006fom"'))
  .map(([value, blank, at, name]) => {
    const parts = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}${blank}:${blank}${JSON.stringify(v)}`)
    const place = at % (parts.length + 1)
    const write = (members: string[]) => `{${blank}${members.join(`${blank},${blank}`)}${blank}}`
    return {
      alone: write(parts),
      joined: (room: string) => write(parts.toSpliced(place, 0, `${name}${blank}:${blank}"${room}"`)),
    }
  })

const answerOf = ({ type, ref, code, duplicate, messages }: ServerEvent): string =>
  JSON.stringify([type, ref, code, duplicate, messages?.length])

chapter('random operations for several rooms', (gateway) => {
  test(`MULTI-2, MULTI-6, DATA-1 ${OPERATIONS} random operations come to the same as on each room’s own connection`, async () => {
    const pairs = fc.sample(pair, { numRuns: OPERATIONS, seed })
    try {
      const own = range(3).map(freshRoom)
      const shared = range(3).map(freshRoom)
      const resume = freshSecret()
      const joined = await Framed.open(gateway.url, shared, { resume, presence: 1 })
      const alone = await Promise.all(own.map((room) => Framed.open(gateway.url, room, { resume, presence: 1 })))
      const fence = { op: 'publish', ref: 'fence', data: 'fence', ephemeral: true, to: { sessions: ['nobody'] } }
      const answers = (events: ServerEvent[]) =>
        events.filter(({ type, ref }) => ref !== 'fence' && ['ack', 'error', 'history'].includes(type))
      for (const batch of range(OPERATIONS / BATCH)) {
        const part = pairs.slice(batch * BATCH, (batch + 1) * BATCH).map((each, i) => ({ ...each, i: i % 3 }))
        joined.send(`[${part.map((each) => each.joined(`${shared[each.i]}`)).join(',')}]`)
        joined.send(shared.map((room) => ({ ...fence, room })))
        let fences = 0
        const heard = await joined.inbox.until(({ ref }) => ref === 'fence' && ++fences === 3)
        for (const [i, connection] of alone.entries()) {
          const texts = part.filter((each) => each.i === i).map((each) => each.alone)
          connection.send(`[${texts.join(',')}]`)
          connection.send(fence)
          const told = answers(await connection.inbox.until(({ ref }) => ref === 'fence'))
          // What cannot be read at all, and what is no operation, is answered without a room.
          const [mine, rest] = [
            heard.filter(({ room }) => room === shared[i]),
            heard.filter((e) => e.room === undefined),
          ]
          const wanted = told.map(answerOf).sort()
          const got = answers(mine).map(answerOf)
          for (const event of answers(rest)) if (wanted.includes(answerOf(event))) got.push(answerOf(event))
          expect(new Set(got)).toEqual(new Set(wanted))
        }
      }
      for (const [i, room] of own.entries()) {
        const [a, b] = [await wholeHistory(gateway.url, room), await wholeHistory(gateway.url, `${shared[i]}`)]
        expect(b.map(({ raw, event }) => [raw, event])).toEqual(a.map(({ raw, event }) => [raw, event]))
        expect(a.length).toBeGreaterThan(OPERATIONS / 20)
      }
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}: ${error}`, { cause: error })
    }
  })
})
