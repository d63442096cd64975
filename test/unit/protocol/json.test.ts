import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementTexts, memberText, onOneLine, requireUnicode, withoutMember } from '../../../src/protocol/json.ts'

/** JSON as people and machines write it: with white space where it may stand. */
const spaced = (value: unknown, space: string): string => {
  if (Array.isArray(value))
    return `[${space}${value.map((each) => spaced(each, space)).join(`${space},${space}`)}${space}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}${space}:${space}${spaced(v, space)}`)
  return `{${space}${members.join(`${space},${space}`)}${space}}`
}
const space = fc.constantFrom('', ' ', '\n', '\r\n\t ')

describe('finding texts within JSON', () => {
  it('finds every member and element of any JSON, as it is written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), space, (object, blank) => {
        const text = spaced(object, blank)
        for (const [name, value] of Object.entries(object)) {
          expect(memberText(text, name)).toBe(spaced(value, blank))
        }
        expect(elementTexts(spaced(Object.values(object), blank))).toEqual(
          Object.values(object).map((v) => spaced(v, blank)),
        )
      }),
    )
  })

  it.each([
    ['{"data":1.0}', '1.0'],
    ['{"data":1152921504606846977}', '1152921504606846977'],
    ['{"data":{"a":1,"a":2}}', '{"a":1,"a":2}'],
    ['{"data":1,"data":[2]}', '[2]'],
    ['{"d\\u0061ta":"x"}', '"x"'],
    ['{"x":"\\\\\\"","data":"}"}', '"}"'],
    [' { "x" : { "data" : 1 } , "data" : -0.0e-7 } ', '-0.0e-7'],
    ['{"data":null}', 'null'],
    ['{"no":1}', undefined],
    ['{}', undefined],
  ])('DATA-1 %s has %s', (text, data) => {
    expect(memberText(text, 'data')).toBe(data)
  })
})

describe('taking a member out of JSON', () => {
  it('leaves all others as they are written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), space, (others, value, blank) => {
        const text = spaced({ ...others, room: value }, blank)
        const left = withoutMember(text, 'room')
        const { room: _, ...wanted } = others
        expect(memberText(left, 'room')).toBeUndefined()
        for (const [name, each] of Object.entries(wanted)) expect(memberText(left, name)).toBe(spaced(each, blank))
        expect(Object.keys(JSON.parse(left))).toEqual(Object.keys(JSON.parse(JSON.stringify(wanted))))
      }),
    )
  })

  it.each([
    ['{"room":"a"}', '{}'],
    ['{}', '{}'],
    ['{"data":1.0,"room":"a","data":{"room":1}}', '{"data":1.0,"data":{"room":1}}'],
    [' { "room" : 1 , "x" : [ 1e400 ] , "r\\u006fom" : 2 } ', '{"x" : [ 1e400 ]}'],
  ])('DATA-1 %s becomes %s', (text, left) => {
    expect(withoutMember(text, 'room')).toBe(left)
  })
})

describe('DATA-4 lone surrogates', () => {
  it.each([
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud83d\\u0041"',
    '"\\ude00\\ud83d"',
    '["\\uD83D", 1]',
    '"\ud800"',
    '"\\ud83d\\ud83d\\ude00"',
  ])('are refused: %j', (json) => expect(() => requireUnicode(json)).toThrow(/Unicode/))

  it.each(['"\\ud83d\\ude00"', '"\\\\ud800"', '"\\\\\\\\ud800 😀"', '"\\uD83D\\uDE00\\ud83d\\ude00"', '{}'])(
    'are not seen where there are none: %j',
    (json) => {
      expect(() => requireUnicode(json)).not.toThrow()
    },
  )

  it('are seen exactly where JSON.parse makes one', () => {
    const escaped = fc.array(fc.constantFrom('\\ud83d', '\\ude00', '\\\\', 'a', '\\u0041', '😀', '\\"', 'ud800'), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(escaped, (parts) => {
        const json = `"${parts.join('')}"`
        const isLone = !(JSON.parse(json) as string).isWellFormed()
        if (isLone) expect(() => requireUnicode(json)).toThrow()
        else requireUnicode(json)
      }),
    )
  })
})

it('DATA-1 line breaks between tokens become spaces, and nothing else changes', () => {
  expect(onOneLine('{\r\n"a":\n"\\n"}')).toBe('{  "a": "\\n"}')
})
