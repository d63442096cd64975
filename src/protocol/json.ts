import { Refusal } from './errors.ts'

/**
 * Finds the text of values inside JSON that `JSON.parse` has accepted, so that they can be spliced elsewhere as they
 * came (DATA-1): `JSON.parse` would turn 2^60 into another number and drop duplicate keys.
 */

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

function skipSpace(text: string, at: number): number {
  let i = at
  while (isSpace(text.charCodeAt(i))) i++
  return i
}

/** From an opening quote to behind the closing one. */
function skipString(text: string, at: number): number {
  let i = at + 1
  for (;;) {
    const quote = text.indexOf('"', i)
    let backslashes = 0
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes++
    if (backslashes % 2 === 0) return quote + 1
    i = quote + 1
  }
}

/** From a value's first character to behind its last. */
function skipValue(text: string, at: number): number {
  let i = at
  let depth = 0
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 34) {
      i = skipString(text, i) - 1
      if (depth === 0) return i + 1
    } else if (c === 123 || c === 91) depth++
    else if (c === 125 || c === 93) {
      if (depth === 0) return i
      if (--depth === 0) return i + 1
    } else if (depth === 0 && (c === 44 || isSpace(c))) return i
  }
  return i
}

/** The texts of an array's elements. `text` is valid JSON, an array. */
export function elementTexts(text: string): string[] {
  const found: string[] = []
  let i = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(i) !== 93) {
    const end = skipValue(text, i)
    found.push(text.slice(i, end))
    i = skipSpace(text, end)
    if (text.charCodeAt(i) === 44) i = skipSpace(text, i + 1)
  }
  return found
}

/** Visits the members of an object. `text` is valid JSON, an object. */
function eachMember(text: string, visit: (key: string, from: number, valueFrom: number, end: number) => void): void {
  let i = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(i) !== 125) {
    const keyEnd = skipString(text, i)
    const valueFrom = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = skipValue(text, valueFrom)
    visit(text.slice(i, keyEnd), i, valueFrom, end)
    i = skipSpace(text, end)
    if (text.charCodeAt(i) === 44) i = skipSpace(text, i + 1)
  }
}

const isKey = (key: string, name: string): boolean =>
  key === `"${name}"` || (key.includes('\\') && JSON.parse(key) === name)

/** The text of an object's member, the last of that name as `JSON.parse` takes it. `text` is valid JSON, an object. */
export function memberText(text: string, name: string): string | undefined {
  let found: string | undefined
  eachMember(text, (key, _, valueFrom, end) => {
    if (isKey(key, name)) found = text.slice(valueFrom, end)
  })
  return found
}

/** The text of an object without its members of that name; all others stay as they came. `text` is valid JSON, an object. */
export function withoutMember(text: string, name: string): string {
  const others: string[] = []
  eachMember(text, (key, from, _, end) => {
    if (!isKey(key, name)) others.push(text.slice(from, end))
  })
  return `{${others.join(',')}}`
}

/** @throws Refusal `bad_request` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('bad_request', 'This is not JSON')
  }
}

const SURROGATE = /\\u[dD][89a-fA-F]/
const ESCAPES = /\\(?:u([0-9a-fA-F]{4})|.)/g

/**
 * Refuses lone surrogates in JSON text, bare or escaped (DATA-4): no UTF-8 has them, so they could not arrive as sent.
 * @throws Refusal `not_unicode`
 */
export function requireUnicode(json: string): void {
  if (json.isWellFormed() && (!SURROGATE.test(json) || escapesPairUp(json))) return
  throw new Refusal('not_unicode', 'Text must be Unicode: it has a lone surrogate')
}

function escapesPairUp(json: string): boolean {
  let highEnd = -1
  for (const match of json.matchAll(ESCAPES)) {
    const unit = match[1] === undefined ? 0 : Number.parseInt(match[1], 16)
    const isLow = unit >= 0xdc00 && unit <= 0xdfff
    const follows = highEnd === match.index
    if (isLow ? !follows : highEnd !== -1) return false
    highEnd = unit >= 0xd800 && unit <= 0xdbff ? match.index + match[0].length : -1
  }
  return highEnd === -1
}

/** JSON without line breaks: outside of strings they are blanks, inside JSON has none. SSE and line codecs need it. */
export const onOneLine = (json: string): string => (/[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json)
