import { type Gap, parseMessages, type ServerEvent } from './events.ts'
import { members } from './rawjson.ts'

export type Query = Record<string, string | number | undefined>

/** The JSON of any answer of the gateway, flat like events are. */
export interface Body {
  type?: string
  title?: string
  status?: number | string
  detail?: string
  code?: string
  cursor?: string
  head?: string
  id?: string
  duplicate?: boolean
  events?: ServerEvent[]
  session?: string
  resume?: string
  advice?: { wait: number; after: number }
  room?: string
  /** Of a poll of several rooms. */
  rooms?: { room: string; session: string; cursor?: string; head?: string }[]
  sessions?: number
  results?: Result[]
  connections?: Record<string, number>
  awakeSince?: number
}

/** What became of one message of a batch (BATCH-1). */
export interface Result {
  cursor?: string
  id?: string
  duplicate?: boolean
  code?: string
  message?: string
}

export interface Answer extends Body {
  http: number
  headers: Headers
  text: string
}

/** A room, or those that one connection follows together (MULTI-1). */
export type Where = string | readonly string[]

export function url(base: string, where: Where, rest = '', query: Query = {}): string {
  if (typeof where !== 'string') return `${base}/v1${rest}${search({ rooms: where.join(','), ...query })}`
  return `${base}/v1/rooms/${encodeURIComponent(where)}${rest}${search(query)}`
}

function search(query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, `${value}`]))
  return given.length > 0 ? `?${text}` : ''
}

export async function call(address: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(address, init)
  const text = await response.text()
  const json = /json/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as Body) : {}
  return { ...json, http: response.status, headers: response.headers, text }
}

interface Publishing {
  query?: Query
  headers?: Record<string, string>
}

/** Publishes a body as it is. */
export function post(
  base: string,
  room: string,
  type: string | undefined,
  body: string | Uint8Array<ArrayBuffer>,
  { query = {}, headers = {} }: Publishing = {},
): Promise<Answer> {
  // A string would get a content type from fetch itself.
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return call(url(base, room, '/messages', query), {
    method: 'POST',
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
    body: bytes,
  })
}

export function postJson(base: string, room: string, body: unknown, options?: Publishing): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return post(base, room, 'application/json', text, options)
}

/** Publishes what must succeed, and returns its cursor. */
export async function say(base: string, room: string, data: unknown, query: Query = {}): Promise<string> {
  const { http, cursor, text } = await postJson(base, room, { data }, { query })
  if (http !== 201 || cursor === undefined) throw new Error(`publish was answered ${http} ${text}`)
  return cursor
}

export interface Page {
  messages: ServerEvent[]
  next: string
  prev: string | null
  gap?: Gap
}

export async function history(base: string, room: string, query: Query = {}): Promise<Page> {
  const { http, text } = await call(url(base, room, '/messages', query))
  if (http !== 200) throw new Error(`history was answered ${http} ${text}`)
  return { ...(JSON.parse(text) as Page), messages: parseMessages(members(text).get('messages') ?? '') }
}

/** All that the room keeps, page by page. */
export async function wholeHistory(base: string, room: string, query: Query = {}): Promise<ServerEvent[]> {
  const found: ServerEvent[] = []
  let after = '0-0'
  for (;;) {
    const page = await history(base, room, { limit: 1000, ...query, after })
    found.push(...page.messages)
    if (page.next === after) return found
    after = page.next
  }
}

export const info = (base: string, room: string): Promise<Answer> => call(url(base, room))
