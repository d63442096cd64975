import { describe, expect, it } from 'vitest'
import { Exact, parseExactly } from '../../../src/cli/run/exact.ts'

const DATA = '{"a":1.0,"a":1152921504606846977,"b":[1e400,"\\u00e9"]}'
const MESSAGE = `{"type":"message","time":1,"data":${DATA},"id":"i"}`
const KEPT = { type: 'message', time: 1, data: new Exact(DATA), id: 'i' }
const GAP = '{"type":"gap","after":"0-0","before":"a-1","reason":"retention"}'

describe('data as the text that it came in', () => {
  it.each([
    ['an event of a stream', MESSAGE, KEPT],
    ['an array of a WebSocket', `[${GAP}, ${MESSAGE}]`, [JSON.parse(GAP), KEPT]],
    [
      'the page of a poll',
      `{"cursor":"a-1","events":[${MESSAGE}],"advice":{"wait":25}}`,
      {
        cursor: 'a-1',
        events: [KEPT],
        advice: { wait: 25 },
      },
    ],
    ['bytes', '{"type":"message","bytes":"AQI="}', { type: 'message', bytes: 'AQI=' }],
    ['another event that has data', '{"type":"later","data":1.0}', { type: 'later', data: 1 }],
  ])('%s', (_, text, value) => expect(parseExactly(text)).toEqual(value))
})
