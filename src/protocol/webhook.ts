/** What a backend can be told of (HOOK-1). */
export const WEBHOOK_EVENTS = [
  'session.open',
  'session.close',
  'presence.join',
  'presence.leave',
  'message',
  'room.occupied',
  'room.vacated',
] as const

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]

/** Something to be told, before the log has given it a number and a time. */
export interface Told {
  readonly type: WebhookEvent
  /** The session, or the message's id. */
  readonly subject?: string
  /** Members of the event's `data`, as JSON text without its braces; may be empty. */
  readonly members: string
  /** Of the request that it came of (TRACE-1). */
  readonly traceparent?: string
}

/** What one commit has to tell, in part or whole: what is delivered, tried again and buried as one. */
export interface OutboxRow {
  /** The id of its first event. Keys of a room sort bytewise in the order in which they were told. */
  readonly key: string
  readonly time: number
  readonly count: number
  /** CloudEvents as JSON, one a line. */
  readonly events: string
  readonly retry: Retry | null
}

/** Stands with the first row of a batch that could not be delivered. */
export interface Retry {
  readonly tries: number
  /** When it is tried again (ms). */
  readonly at: number
  /** How many rows the batch has: what is sent again is what was sent, under the same id. */
  readonly rows: number
}

export interface DeadLetter {
  readonly key: string
  readonly count: number
  readonly events: string
  readonly reason: string
  /** When it was given up (ms). */
  readonly died: number
}

/** What becomes of rows that are there. */
export interface OutboxChange {
  /** Delivered. */
  readonly sent?: readonly string[]
  readonly retry?: { readonly key: string; readonly retry: Retry }
  /** Given up: they go to the dead letters. */
  readonly bury?: { readonly keys: readonly string[]; readonly reason: string; readonly at: number }
  /** Dead letters that shall be sent after all. */
  readonly resend?: readonly string[]
}

/** The most events of a request. */
export const WEBHOOK_BATCH = 100

/** Dead letters that a room keeps, in rows. */
export const DEAD_MOST = 1000

/** As CloudEvents 1.0 has it: structured JSON (github.com/cloudevents/spec, json-format.md). */
export function cloudEvent(room: string, id: string, time: number, told: Told): string {
  const { type, subject = '', members, traceparent } = told
  const about = subject === '' ? '' : `"subject":${JSON.stringify(subject)},`
  const trace = traceparent === undefined ? '' : `"traceparent":"${traceparent}",`
  const rest = members === '' ? '' : `,${members}`
  return `{"specversion":"1.0","id":"${id}","source":"/v1/rooms/${room}","type":"${type}",${about}${trace}"time":"${new Date(time).toISOString()}","datacontenttype":"application/json","data":{"room":"${room}"${rest}}}`
}

const TIME_DIGITS = 9

/** The id of the n-th event of a generation: ids of a room sort bytewise. */
export function eventId(generation: number, n: number): string {
  const digits = n.toString(36)
  return `${generation.toString(36).padStart(TIME_DIGITS, '0')}-${digits.length.toString(36)}${digits}`
}
