import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Body,
  base64Body,
  bytesBody,
  fromBase64,
  jsonBody,
  plainPayload,
  textBody,
  toBase64,
  utf8Length,
} from '../../../src/protocol/data.ts'
import { toEntry } from '../../../src/protocol/entry.ts'

const plainOf = (body: Body) => plainPayload(toEntry({ id: 'i', body }, null, 0).json)
const unicode = fc.string({ unit: 'binary' })

describe('data', () => {
  it('DATA-2 text comes back as it was', () => {
    fc.assert(fc.property(unicode, (text) => plainOf(textBody(text, 1e6)) === text))
  })

  it('DATA-3 bytes come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(plainOf(bytesBody(bytes, 1e6))).toEqual(bytes)
        expect(fromBase64(toBase64(bytes))).toEqual(bytes)
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      }),
    )
  })

  it('SIZE-1 the size is what a plain connection receives', () => {
    fc.assert(fc.property(unicode, (text) => utf8Length(text) === Buffer.byteLength(text)))
    fc.assert(
      fc.property(fc.json(), (json) => {
        const body = jsonBody(json, 1e6)
        expect(body.size).toBe(Buffer.byteLength(plainOf(body) as string))
      }),
    )
    expect(base64Body('AQID', 3).size).toBe(3)
    expect(base64Body('AQ==', 1).size).toBe(1)
  })

  it('SIZE-1 the limit is the last size that passes', () => {
    expect(() => textBody('äb', 3)).not.toThrow()
    for (const over of [
      () => textBody('äb', 2),
      () => jsonBody('"äb"', 2),
      () => bytesBody(new Uint8Array(3), 2),
      () => base64Body('AQID', 2),
    ]) {
      expect(over).toThrow(expect.objectContaining({ code: 'too_large' }))
    }
  })

  it.each(['A', 'AQI', 'AQ=', 'A===', 'AQ==AQ==', 'AQ-_', 'AQID\n', ' AQI'])('DATA-3 %j is no base64', (text) => {
    expect(() => base64Body(text, 100)).toThrow(expect.objectContaining({ code: 'bad_request' }))
  })
})
