import fc from 'fast-check'
import { expect, test } from 'vitest'
import { call, say, wholeHistory } from './clients/http.ts'
import { tellingTransportsOf } from './clients/index.ts'
import { FRAMED_HEADER, frame, handshake, RawClient } from './clients/raw.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, range } from './suite.ts'

const FRAMES = 10_000
const BATCH = 250
/** Another run of the same frames: `FUZZ_SEED=… npx vitest run test/conformance/fuzz.test.ts`. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)

const names = fc.constantFrom('publish', 'history', 'ping', 'probe', 'presence', 'auth', '', 'constructor', '__proto__')
const oddly = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('0-0', -1, 1e300, null, true, [], {}),
)
const operation = fc.record(
  {
    op: fc.oneof(
      { weight: 5, arbitrary: fc.constant('publish') },
      { weight: 3, arbitrary: names },
      { weight: 1, arbitrary: oddly },
    ),
    ref: fc.oneof(fc.nat(), fc.string(), oddly),
    data: fc.oneof(fc.string({ unit: 'grapheme' }), fc.jsonValue()),
    bytes: fc.oneof(fc.base64String(), fc.string()),
    id: fc.oneof(fc.constantFrom('same', 'other'), fc.string()),
    event: fc.string(),
    to: fc.oneof(fc.record({ sessions: fc.array(fc.string()) }), oddly),
    except: fc.oneof(fc.array(fc.string()), oddly),
    echo: fc.oneof(fc.boolean(), oddly),
    ephemeral: fc.oneof(fc.boolean(), oddly),
    after: oddly,
    limit: fc.oneof(fc.integer(), oddly),
    n: oddly,
    surprise: oddly,
  },
  { requiredKeys: ['op'] },
)
const simple = fc.record(
  { op: fc.constant('publish'), data: fc.jsonValue(), ref: fc.nat() },
  { requiredKeys: ['op', 'data'] },
)
const sensible = fc
  .oneof(operation, simple, fc.array(fc.oneof(operation, simple), { maxLength: 5 }))
  .map((value) => JSON.stringify(value))
const truncated = fc
  .tuple(sensible, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([text, share]) => text.slice(0, text.length * share))
const garbled = fc
  .tuple(sensible, fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }))
  .map(([text, at, noise]) => text.slice(0, at % (text.length + 1)) + noise + text.slice(at % (text.length + 1)))
const anyFrame: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: sensible },
  { weight: 2, arbitrary: truncated },
  { weight: 2, arbitrary: garbled },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
)

let made: (string | Uint8Array)[] | undefined
/** The same for each target: making them costs as much as sending them (1.5 s of CPU; 2026-11). */
function allFrames(): (string | Uint8Array)[] {
  made ??= fc.sample(anyFrame, { numRuns: FRAMES, seed })
  return made
}

chapter('random frames', (gateway) => {
  test(`ERR-4, ERR-2 ${FRAMES} random frames harm no other client of the room`, async () => {
    const frames = allFrames()
    try {
      const room = freshRoom()
      const resume = freshSecret()
      const witnesses = await Promise.all(
        tellingTransportsOf(gateway).map((transport) => transport.open(gateway.url, room)),
      )
      const known = { resume }
      for (const batch of range(FRAMES / BATCH)) {
        const part = frames.slice(batch * BATCH, (batch + 1) * BATCH)
        await send(gateway.url, room, batch, part)
        await say(gateway.url, room, `batch ${batch}`, known)
      }
      await say(gateway.url, room, 'the end', known)
      const kept = await wholeHistory(gateway.url, room)
      const marks = kept.filter(({ payload }) => /^(batch \d+|the end)$/.test(`${payload}`))
      expect(marks.map(({ payload }) => payload)).toEqual([
        ...range(FRAMES / BATCH).map((batch) => `batch ${batch}`),
        'the end',
      ])
      for (const witness of witnesses) {
        const heard = await witness.inbox.until(({ payload }) => payload === 'the end')
        // The ephemeral ones have no cursor, and no place in the history.
        const logged = heard.filter(({ type, cursor }) => type === 'message' && cursor !== undefined)
        expect(logged.map(({ cursor, raw, bytes }) => [cursor, raw, bytes])).toEqual(
          kept.map(({ cursor, raw, bytes }) => [cursor, raw, bytes]),
        )
      }
      expect(kept.length).toBeGreaterThan(FRAMES / 20)
      expect((await call(`${gateway.url}/healthz`)).http).toBe(200)
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}: ${error}`, { cause: error })
    }
  })
})

/** A batch by one client: framed, plain, or below WebSocket with its last frame cut off. */
async function send(base: string, room: string, batch: number, frames: (string | Uint8Array)[]): Promise<void> {
  if (batch % 4 === 3) {
    const raw = new RawClient(base)
    raw.write(handshake(base, room, FRAMED_HEADER))
    await raw.until('"welcome"')
    raw.write(...frames.map((each) => frame(each, typeof each === 'string' ? 1 : 2)), frame('cut off').subarray(0, 7))
    raw.socket.end()
    await raw.gone
    return
  }
  const client = batch % 4 === 2 ? await Plain.open(base, room) : await Framed.open(base, room)
  for (const each of frames) client.socket.send(each)
  // The answer to our ping tells that all before it has been read.
  if (client instanceof Framed) {
    client.send({ op: 'publish', ref: 'fence', data: 'fence', ephemeral: true, to: { sessions: [] } })
    await client.inbox.until(({ ref }) => ref === 'fence')
  }
  await client.close()
}
