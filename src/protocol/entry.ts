import { comparePositions, formatCursor, type Position } from './cursor.ts'
import { type Body, plainPayload } from './data.ts'
import type { Item } from './events.ts'
import type { Audience } from './operations.ts'

/** Something on its way into the feed: a message, or a change of presence, which leaves in its turn and is not logged. */
export type Draft = MessageDraft | PresenceDraft

export interface PresenceDraft {
  readonly presence: { readonly json: string }
  readonly dedupe?: never
}

/** A message on its way into the log, which gives it position and time. */
export interface MessageDraft {
  readonly presence?: never
  readonly id: string
  readonly from?: string
  readonly user?: string
  readonly event?: string
  readonly body: Body
  readonly audience?: Audience
  readonly ephemeral?: boolean
  /** Under which a repeat is known (PUB-5): the publisher and the id that the client chose. */
  readonly dedupe?: { readonly key: string; readonly fingerprint: number }
  /** Goes to the backend with what is told of it, and to nobody else (TRACE-1). */
  readonly traceparent?: string
}

/** What has been given its place in the feed; position null: it is not in the log. */
export class Entry implements Item {
  readonly type: 'message' | 'presence'
  readonly position: Position | null
  readonly cursor: string | undefined
  /** The event as all JSON transports send it, made once. */
  readonly json: string
  readonly audience: Audience | undefined
  #plain: string | Uint8Array | undefined

  constructor(
    position: Position | null,
    json: string,
    audience: Audience | undefined,
    type: Entry['type'] = 'message',
  ) {
    this.type = type
    this.position = position
    this.cursor = position === null ? undefined : formatCursor(position)
    this.json = json
    this.audience = audience
  }

  /** When it was published (ms): of a message it is the last that its JSON says. */
  get time(): number {
    return Number(this.json.slice(this.json.lastIndexOf(':') + 1, -1))
  }

  /** What plain connections receive of it. */
  plain(): string | Uint8Array {
    this.#plain ??= plainPayload(this.json)
    return this.#plain
  }
}

/** Gives a draft its place. */
export function toEntry(draft: Draft, position: Position | null, time: number): Entry {
  if (draft.presence !== undefined) return new Entry(null, draft.presence.json, undefined, 'presence')
  const cursor = position === null ? '' : `"cursor":"${formatCursor(position)}",`
  const from = draft.from === undefined ? '' : `"from":"${draft.from}",`
  const user = draft.user === undefined ? '' : `"user":${JSON.stringify(draft.user)},`
  const event = draft.event === undefined ? '' : `"event":"${draft.event}",`
  const id = JSON.stringify(draft.id)
  const json = `{"type":"message",${cursor}"id":${id},${from}${user}${event}${draft.body.member},"time":${time}}`
  return new Entry(position, json, draft.audience)
}

/** Does it get a place in the log? */
export const isLogged = (draft: Draft): draft is MessageDraft => draft.presence === undefined && !draft.ephemeral

/** What of an event's JSON is not its body: type, cursor, id, from and time. */
const ENVELOPE = 160

/** About as many bytes as its event has on the wire. */
export const wireSize = (draft: Draft): number =>
  draft.presence === undefined ? ENVELOPE + draft.body.member.length : draft.presence.json.length

/** Somebody who reads a room: a session's connection, or a request for history. */
export interface Reader {
  readonly session?: string
  readonly user?: string
}

/** May this reader see a message of that audience (PUB-8)? */
export function mayRead(reader: Reader, audience: Audience | undefined): boolean {
  if (audience === undefined) return true
  const { session, user } = reader
  if (session !== undefined && audience.except?.includes(session)) return false
  if (audience.to === undefined) return true
  const named = session !== undefined && audience.to.sessions?.includes(session)
  return named || (user !== undefined && audience.to.users?.includes(user)) || false
}

export const isAfter = (entry: Entry, position: Position): boolean =>
  entry.position !== null && comparePositions(entry.position, position) > 0

/** 53 bits that tell one content from another under the same id (cyrb53, public domain). Not for secrets. */
export function fingerprint(text: string): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 2654435761)
    b = Math.imul(b ^ unit, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}
