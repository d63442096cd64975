import type { IncomingMessage } from 'node:http'

/** Where a cursor stands in a request's target. What is escaped may be another's name, and is not looked into. */
const CURSOR = /^([^?]+\?(?:[^%+]*&)?cursor=)([a-z0-9-]{3,32})((?:&[^%+]*)?)$/
const SHORTEST = 3
const LONGEST = 32
/** What has one of these is followed by more than the next request. */
const MORE = ['content-length', 'transfer-encoding', 'expect', 'upgrade']

/**
 * The bytes of a poll's request, and so of the next one over the same connection: all of them but its cursor. They are put
 * together from what the request was read as, so whatever has the same bytes would be read as the same.
 */
export class Template {
  readonly #before: Buffer
  readonly #after: Buffer
  readonly cursor: string

  private constructor(before: string, cursor: string, after: string) {
    this.#before = Buffer.from(before, 'latin1')
    this.cursor = cursor
    this.#after = Buffer.from(after, 'latin1')
  }

  /** Undefined: it is no request that one like it may follow. */
  static of({ method, url = '', headers, rawHeaders, httpVersion }: IncomingMessage): Template | undefined {
    if (method !== 'GET' || httpVersion !== '1.1' || !url.includes('cursor=')) return undefined
    const [, before, cursor, after] = CURSOR.exec(url) ?? []
    const isTwice = `${before}${after}`.split('cursor=').length > 2
    if (before === undefined || cursor === undefined || isTwice || MORE.some((name) => name in headers))
      return undefined
    let rest = `${after} HTTP/1.1\r\n`
    for (let i = 0; i < rawHeaders.length; i += 2) rest += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
    return new Template(`GET ${before}`, cursor, `${rest}\r\n`)
  }

  /** Are these its own bytes, from the first to the last? */
  isOf(bytes: Buffer): boolean {
    return this.cursorIn(bytes) === this.cursor
  }

  /** The cursor of a request that has the same bytes but for it; undefined: it is another, or not a whole one. */
  cursorIn(bytes: Buffer): string | undefined {
    const [before, after] = [this.#before, this.#after]
    const from = before.length
    const end = bytes.length - after.length
    if (end - from < SHORTEST || end - from > LONGEST) return undefined
    if (before.compare(bytes, 0, from) !== 0 || after.compare(bytes, end) !== 0) return undefined
    return bytes.toString('latin1', from, end)
  }
}
