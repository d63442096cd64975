import { formatCursor, newEpoch, type Position, START } from '../../protocol/cursor.ts'
import { Entry, isAfter, isLogged, type MessageDraft, toEntry } from '../../protocol/entry.ts'
import type { DeadLetter, OutboxRow, Told } from '../../protocol/webhook.ts'
import type { Change, Head, Outcome, Page, Scan, SessionRow, Settled, Work } from '../ports.ts'
import { type Telling, toldMessage } from './outbox.ts'

/** What a room is born from, besides its connections. */
export interface Stored {
  readonly head: Head
  readonly sessions: readonly SessionRow[]
  readonly state: string | null
  /** Events that wait to be told. */
  readonly waiting: number
}

/** One room's log, with the rows that are committed along with it. Storage is made by the first commit, not before. */
export interface Log {
  load(): Stored
  /** Writes all of it, or throws and nothing is written. Each work stands or falls by itself as a duplicate. */
  append(works: readonly Work[], now: number): Settled
  /** Is a message with this key in the log? */
  knows(dedupeKey: string): boolean
  read(scan: Scan): Page
  /** What waits to be told, the oldest first: no more than so many events, but one row at least. */
  untold(events: number): readonly OutboxRow[]
  /** What was given up, in the order of its keys. */
  dead(after: string, limit: number): readonly DeadLetter[]
}

export interface Known {
  readonly position: Position
  readonly fingerprint: number
}

/** What a commit comes to, before it is stored. */
export interface Placement extends Settled {
  /** Entries that go into the log; ephemeral ones only leave with the feed. */
  readonly logged: readonly Entry[]
  readonly known: ReadonlyMap<string, Known>
  readonly changes: readonly Change[]
  /** What is to be told of it. */
  readonly outbox: readonly OutboxRow[]
  /** The time of the newest message. */
  readonly time: number
}

export interface Ground {
  readonly head: Head
  /** Of the newest message, so that time never runs backwards (CUR-3). */
  readonly time: number
  /** Whether whoever writes now began the current epoch. Else a new one begins, under this mark, no earlier than `since`. */
  readonly ownsEpoch: boolean
  readonly mark: string
  readonly since?: number
  /** Absent: nobody is told of anything. */
  readonly telling?: Telling | undefined
  find(dedupeKey: string): Known | undefined
}

/** Gives drafts their places: epoch, offset and time, or the place that a duplicate has already (PUB-5). */
export function place(works: readonly Work[], ground: Ground, now: number): Placement {
  const time = Math.max(now, ground.time)
  const known = new Map<string, Known>()
  const entries: Entry[] = []
  const changes: Change[] = []
  const told: Told[] = []
  const outcomes: { replyTo: NonNullable<Work['replyTo']>; outcome: Outcome }[] = []
  const former = ground.ownsEpoch ? ground.head.epochs.slice(0, -1) : ground.head.epochs
  let current = ground.ownsEpoch ? ground.head.epochs.at(-1) : undefined
  const find = (draft: MessageDraft | undefined): Known | undefined => {
    if (draft?.dedupe === undefined) return undefined
    return known.get(draft.dedupe.key) ?? ground.find(draft.dedupe.key)
  }
  for (const { drafts, change, replyTo, repeats } of works) {
    const first = repeats ?? drafts.find((draft) => draft.presence === undefined)
    const before = find(first)
    let outcome: Outcome
    if (first !== undefined && before !== undefined) outcome = repeated(before, first)
    else if (repeats !== undefined) outcome = UNDECIDED
    else {
      if (change !== undefined) changes.push(change)
      told.push(...(change?.told ?? []))
      const from = entries.length
      for (const draft of drafts) {
        if (!isLogged(draft)) {
          entries.push(toEntry(draft, null, time))
          continue
        }
        const name = current?.name ?? newEpoch(Math.max(now, ground.since ?? 0), ground.mark, former.at(-1)?.name)
        current = { name, last: (current?.last ?? 0) + 1 }
        const position = { epoch: name, offset: current.last }
        const entry = toEntry(draft, position, time)
        entries.push(entry)
        if (ground.telling?.events.has('message')) told.push(toldMessage(entry, draft))
        if (draft.dedupe) known.set(draft.dedupe.key, { position, fingerprint: draft.dedupe.fingerprint })
      }
      const cursor = entries.slice(from).find(({ type }) => type === 'message')?.cursor
      outcome = cursor === undefined ? {} : { cursor }
    }
    if (replyTo !== undefined) outcomes.push({ replyTo, outcome })
  }
  const head = current === undefined ? ground.head : { ...ground.head, epochs: [...former, current] }
  const logged = entries.filter((entry) => entry.position !== null)
  const outbox = ground.telling?.rows(told, time) ?? []
  const count = outbox.reduce((sum, row) => sum + row.count, 0)
  return { entries, outcomes, head, logged, known, changes, time, outbox, told: count }
}

/** The first copy left nothing in the log: it failed, or the application kept it to itself. */
const UNDECIDED: Outcome = { error: 'busy', message: 'The first message with this id came to nothing; send it again' }

const repeated = (before: Known, draft: MessageDraft): Outcome =>
  before.fingerprint === draft.dedupe?.fingerprint
    ? { cursor: formatCursor(before.position), duplicate: true }
    : { error: 'id_reused', message: `The id ${draft.id} stands for another message` }

/** The place before the oldest message, told from where that stands: the end of the epoch before, if it begins one. */
export function floorBefore(oldest: Position | undefined, epochs: Head['epochs']): Position {
  if (oldest === undefined) return START
  if (oldest.offset > 1) return { epoch: oldest.epoch, offset: oldest.offset - 1 }
  const before = epochs.findLast(({ name }) => name < oldest.epoch)
  return before === undefined ? START : { epoch: before.name, offset: before.last }
}

/**
 * Takes from the stored entries what a scan asks for. They come in its direction: oldest first, or newest first if it is
 * `fromEnd`. A page has one entry at least, if there is one.
 */
export function take(stored: Iterable<Entry>, scan: Scan, floor: Position): Page {
  const { after, through, maxBytes, maxEntries = Number.POSITIVE_INFINITY, fromEnd = false } = scan
  const taken: Entry[] = []
  let bytes = 0
  let isWhole = true
  for (const entry of stored) {
    const isPast = fromEnd ? !isAfter(entry, after) : isAfter(entry, through)
    const isYetToCome = fromEnd ? isAfter(entry, through) : !isAfter(entry, after)
    if (isYetToCome) continue
    if (isPast) break
    bytes += entry.json.length
    isWhole = taken.length < maxEntries && (bytes <= maxBytes || taken.length === 0)
    if (!isWhole) break
    taken.push(entry)
  }
  const entries = fromEnd ? taken.reverse() : taken
  const [first, last] = [entries[0]?.position, entries.at(-1)?.position]
  const end = isBefore(through, after) ? after : through
  if (isWhole || !first || !last) {
    // From the end it goes back as far as there is, and what lies before was not asked for.
    return { after: fromEnd && isBefore(after, floor) ? floor : after, entries, through: end, floor }
  }
  return fromEnd
    ? { after: { ...first, offset: first.offset - 1 }, entries, through: end, floor }
    : { after, entries, through: last, floor }
}

const isBefore = (a: Position, b: Position): boolean =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.offset < b.offset)

/** Many entries as one stored text: for each a line of its audience, or none, and a line of its event. */
export const toLines = (entries: readonly Entry[]): string =>
  entries.map(({ audience, json }) => `${audience === undefined ? '' : JSON.stringify(audience)}\n${json}`).join('\n')

export function fromLines(lines: string, { epoch, offset }: Position): Entry[] {
  const parts = lines.split('\n')
  const entries: Entry[] = []
  for (let i = 0; i < parts.length; i += 2) {
    const audience = parts[i] === '' ? undefined : JSON.parse(parts[i] as string)
    entries.push(new Entry({ epoch, offset: offset + i / 2 }, parts[i + 1] as string, audience))
  }
  return entries
}

/** What clients chose an id for, as a row holds it: `[key, offset, fingerprint]`. */
export type Id = readonly [key: string, offset: number, fingerprint: number]

/** Entries that are stored as one row: those of one epoch, without holes, from `first` on. */
export interface PackRow {
  readonly first: Position
  readonly entries: readonly Entry[]
  readonly ids: readonly Id[]
}

/** Cuts a commit into rows of at most that many bytes; an entry that is larger has a row of its own. */
export function rowsOf(logged: readonly Entry[], known: ReadonlyMap<string, Known>, maxBytes: number): PackRow[] {
  const ids = new Map<number, Id>()
  for (const [key, { position, fingerprint }] of known) ids.set(position.offset, [key, position.offset, fingerprint])
  const rows: { first: Position; entries: Entry[]; ids: Id[] }[] = []
  let size = 0
  for (const entry of logged) {
    if (entry.position === null) continue
    let row = rows.at(-1)
    size += entry.json.length
    if (row === undefined || size > maxBytes) {
      row = { first: entry.position, entries: [], ids: [] }
      rows.push(row)
      size = entry.json.length
    }
    row.entries.push(entry)
    const id = ids.get(entry.position.offset)
    if (id !== undefined) row.ids.push(id)
  }
  return rows
}
