import { elements, members } from './rawjson.ts'

/** One event as a client hears it. Flat, and every field optional, so that cases stay short. */
export interface ServerEvent {
  type: string
  room?: string
  session?: string
  resume?: string
  cursor?: string
  head?: string
  recovered?: boolean
  heartbeat?: number
  id?: string
  from?: string
  user?: string
  event?: string
  data?: unknown
  bytes?: string
  time?: number
  ref?: string | number
  duplicate?: boolean
  messages?: ServerEvent[]
  next?: string
  prev?: string | null
  gap?: Gap
  code?: string | number
  message?: string
  after?: string
  before?: string
  reason?: string
  retryAfter?: number
  n?: number
  action?: 'sync' | 'join' | 'update' | 'leave' | 'count'
  state?: unknown
  count?: number
  members?: Member[]
  rev?: string
  /** What a plain connection would receive of a message. */
  payload?: string | Uint8Array
  /** The text of `data` as it came over the wire. */
  raw?: string
}

/** One session that is present, as others are told of it. */
export interface Member {
  session: string
  user?: string
  state?: unknown
}

export interface Gap {
  after: string
  before: string
  reason: string
}

export function parseEvent(text: string): ServerEvent {
  const event = JSON.parse(text) as ServerEvent
  const parts = members(text)
  const raw = parts.get('data')
  if (raw !== undefined) {
    event.raw = raw
    event.payload = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw
  } else if (event.bytes !== undefined) {
    event.payload = decodeBase64(event.bytes)
  }
  const messages = parts.get('messages')
  if (messages !== undefined) event.messages = parseMessages(messages)
  return event
}

/** In a history the type goes without saying. */
export function parseMessages(text: string): ServerEvent[] {
  return elements(text).map((each) => ({ ...parseEvent(each), type: 'message' }))
}

// Buffer reads almost anything as base64; DATA-3 allows the standard alphabet with padding and nothing else.
function decodeBase64(text: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw new Error(`not base64: ${text.slice(0, 100)}`)
  }
  return Buffer.from(text, 'base64')
}
