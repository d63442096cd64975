import type { Entry, MessageDraft } from '../../protocol/entry.ts'
import {
  cloudEvent,
  eventId,
  type OutboxRow,
  type Told,
  WEBHOOK_BATCH,
  type WebhookEvent,
} from '../../protocol/webhook.ts'

/** Well below what a platform lets a row have. */
const ROW_BYTES = 256 * 1024

let last = 0

/** Numbers what one instance of a room's log has to tell. No two have the same generation, nor does one ever go back. */
export class Telling {
  readonly events: ReadonlySet<WebhookEvent>
  readonly #room: string
  readonly #generation: number
  #count = 0

  /** `newest`: the key of the newest row that is stored, should the clock have been set back since. */
  constructor(room: string, events: readonly WebhookEvent[], now: number, newest: string | null = null) {
    this.events = new Set(events)
    this.#room = room
    const before = newest === null ? 0 : Number.parseInt(newest.split('-')[0] as string, 36)
    last = Math.max(now, last + 1, before + 1)
    this.#generation = last
  }

  /** One commit's rows. */
  rows(told: readonly Told[], time: number): OutboxRow[] {
    const rows: { key: string; time: number; count: number; events: string; retry: null }[] = []
    for (const each of told) {
      const id = eventId(this.#generation, ++this.#count)
      const generation = `"generation":${this.#generation}`
      const members = each.members === '' ? generation : `${generation},${each.members}`
      const event = cloudEvent(this.#room, id, time, { ...each, members })
      const row = rows.at(-1)
      if (row === undefined || row.count === WEBHOOK_BATCH || row.events.length + event.length > ROW_BYTES) {
        rows.push({ key: id, time, count: 1, events: event, retry: null })
      } else {
        row.count++
        row.events += `\n${event}`
      }
    }
    return rows
  }
}

/** A message as it is told: what those in the room get of it, and who of them. */
export function toldMessage({ json, audience }: Entry, { id, traceparent }: MessageDraft): Told {
  const whom = audience === undefined ? '' : `,"audience":${JSON.stringify(audience)}`
  const members = `"message":${json}${whom}`
  return { type: 'message', subject: id, members, ...(traceparent !== undefined && { traceparent }) }
}

/** The most of an outbox that one request carries, in bytes; a row that is larger goes by itself. */
const REQUEST_BYTES = 1024 * 1024

/** The oldest rows, as many as make no more than `events` events, but one at least. */
export function upTo(events: number, rows: Iterable<OutboxRow>): OutboxRow[] {
  const taken: OutboxRow[] = []
  let count = 0
  let bytes = 0
  for (const row of rows) {
    count += row.count
    bytes += row.events.length
    if (taken.length > 0 && (count > events || bytes > REQUEST_BYTES)) break
    taken.push(row)
  }
  return taken
}
