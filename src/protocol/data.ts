import { Refusal } from './errors.ts'
import { memberText, onOneLine, requireUnicode } from './json.ts'
import { LIMITS } from './limits.ts'

/**
 * What a message carries, as the member that stands in its event: `"data":<json>` or `"bytes":"<base64>"`.
 * It is made once, when the message comes in, and spliced ever after (DATA-1).
 */
export interface Body {
  readonly member: string
  /** SIZE-1: bytes that a plain connection would receive. */
  readonly size: number
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** @throws Refusal `not_unicode`, `too_large` */
export function textBody(text: string, limit: number): Body {
  if (!text.isWellFormed()) throw new Refusal('not_unicode', 'Text must be Unicode: it has a lone surrogate')
  return toBody(`"data":${JSON.stringify(text)}`, within(utf8Length(text), limit))
}

/** `json` is valid JSON text. @throws Refusal `not_unicode`, `too_large` */
export function jsonBody(json: string, limit: number): Body {
  requireUnicode(json)
  const size = json.startsWith('"') ? utf8Length(JSON.parse(json)) : utf8Length(json)
  return toBody(`"data":${onOneLine(json)}`, within(size, limit))
}

/** JSON text that is kept beside messages. `json` is valid. @throws Refusal `not_unicode` */
export function jsonText(json: string): string {
  requireUnicode(json)
  return onOneLine(json)
}

/** @throws Refusal `too_large` */
export function bytesBody(bytes: Uint8Array, limit: number): Body {
  within(bytes.length, limit)
  return { member: `"bytes":"${toBase64(bytes)}"`, size: bytes.length }
}

/** @throws Refusal `bad_request`, `too_large` */
export function base64Body(base64: string, limit: number): Body {
  const size = (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
  within(size, limit)
  if (!BASE64.test(base64)) throw new Refusal('bad_request', '`bytes` must be standard base64, padded')
  return { member: `"bytes":"${base64}"`, size }
}

/** What a plain connection receives of a message event's JSON (DATA-2, DATA-3). */
export function plainPayload(event: string): string | Uint8Array {
  const message = JSON.parse(event) as { data?: unknown; bytes?: string }
  if (message.bytes !== undefined) return fromBase64(message.bytes)
  return typeof message.data === 'string' ? message.data : (memberText(event, 'data') as string)
}

/** SIZE-3: escapes swell, and what is stored must fit a row on either runtime. @throws Refusal `too_large` */
function toBody(member: string, size: number): Body {
  const mayBeLarge = member.length * 3 > LIMITS.json
  if (mayBeLarge) within(utf8Length(member), LIMITS.json, 'A message, written as JSON,')
  return { member, size }
}

function within(size: number, limit: number, what = 'A message'): number {
  if (size > limit) throw new Refusal('too_large', `${what} is at most ${limit} bytes; this one has ${size}`)
  return size
}

/** Bytes of a text in UTF-8, without making them. `text` is well-formed. */
export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // A surrogate pair is 4 bytes for 2 units, so each half adds 1; the rest of the plane adds 2, Latin and its like 1.
    length += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return length
}

// Chunked, because the arguments of one call are bounded by the stack.
const CHUNK = 0x2000

export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += CHUNK) binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK))
  return btoa(binary)
}

export function fromBase64(base64: string): Uint8Array {
  const binary = atob(base64)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
