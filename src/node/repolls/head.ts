import { STATUS_CODES } from 'node:http'
import { REQUEST_ID } from '../../gateway/observed.ts'

/** What is of one response alone, or of its connection. */
const OWN = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'date', REQUEST_ID])

/** The head of a response over a connection that is kept, in which only what is of each alone differs. */
export class Head {
  readonly #always: string

  /** `patience`: how long the connection may rest (ms). */
  constructor(status: number, headers: Headers, patience: number) {
    const lines = [...headers].filter(([name]) => !OWN.has(name)).map(([name, value]) => `${name}: ${value}\r\n`)
    const kept = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(patience / 1000)}\r\n`
    this.#always = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}${kept}`
  }

  /** With so many bytes after it, for the request of that name. */
  before(size: number, request: string): string {
    return `${this.#always}${date()}${REQUEST_ID}: ${request}\r\ncontent-length: ${size}\r\n\r\n`
  }
}

let [second, said] = [0, '']

/** Made once a second, as Node does it. */
function date(): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) [second, said] = [now, `date: ${new Date(now * 1000).toUTCString()}\r\n`]
  return said
}
