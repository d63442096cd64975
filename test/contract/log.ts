import { describe, expect, it } from 'vitest'
import { type Position, parseCursor, START } from '../../src/protocol/cursor.ts'
import { jsonBody } from '../../src/protocol/data.ts'
import type { MessageDraft } from '../../src/protocol/entry.ts'
import type { DeadLetter, OutboxRow } from '../../src/protocol/webhook.ts'
import { REMEMBERED, type Retention } from '../../src/room/log/retention.ts'
import type { Head, Outcome, Scan, SessionRow, Work } from '../../src/room/ports.ts'

/** A log at arm's length: it may live in another runtime, so all that goes in and comes out is JSON. */
export interface RemoteLog {
  append(works: readonly Work[], now: number): Promise<{ entries: Line[]; outcomes: Outcome[]; head: Head }>
  read(scan: Scan): Promise<{ entries: Line[]; after: Position; through: Position; floor: Position }>
  knows(key: string): Promise<boolean>
  load(): Promise<{ head: Head; sessions: readonly SessionRow[]; state: string | null; waiting: number }>
  untold(events: number): Promise<readonly OutboxRow[]>
  dead(after: string, limit: number): Promise<readonly DeadLetter[]>
  /** The same log, as a process or object finds it that has just started, perhaps with another setting. */
  reopen(kept?: Retention): Promise<RemoteLog>
}

export interface Line {
  readonly json: string
  readonly cursor?: string
  readonly audience?: unknown
}

const draft = (data: unknown, more: Partial<MessageDraft> = {}): MessageDraft => ({
  id: 'id',
  body: jsonBody(JSON.stringify(data), 1_000_000),
  ...more,
})
const work = (data: unknown, more: Partial<MessageDraft> = {}): Work => ({
  drafts: [draft(data, more)],
  replyTo: { ticket: 1, id: 'id' },
})
const keyed = (data: unknown, key: string, fingerprint = 1): Work => work(data, { dedupe: { key, fingerprint } })
const dataOf = (lines: readonly Line[]): unknown[] => lines.map(({ json }) => JSON.parse(json).data)
const DAY = 86_400_000
const everything = { after: START, through: { epoch: 'z', offset: 0 }, maxBytes: 1e9 }

/** What each log must do. `fresh` makes one that has never been written to. */
export function logContract(name: string, fresh: () => Promise<RemoteLog>): void {
  describe(`the log contract: ${name}`, () => {
    it('is empty, and reading leaves it so', async () => {
      const log = await fresh()
      expect(await log.read(everything)).toMatchObject({ entries: [] })
      expect(await log.knows('key')).toBe(false)
      expect(await (await log.reopen()).load()).toEqual({
        head: { epochs: [], floor: START },
        sessions: [],
        state: null,
        waiting: 0,
      })
    })

    it('CUR-3 gives places without holes, in one epoch, and times that never run backwards', async () => {
      const log = await fresh()
      const first = await log.append([work('a'), work('b')], 1000)
      const second = await log.append([work('c')], 900)
      const lines = [...first.entries, ...second.entries]
      const positions = lines.map(({ cursor }) => parseCursor(cursor as string))
      expect(positions.map(({ offset }) => offset)).toEqual([1, 2, 3])
      expect(new Set(positions.map(({ epoch }) => epoch)).size).toBe(1)
      expect(lines.map(({ json }) => JSON.parse(json).time)).toEqual([1000, 1000, 1000])
      expect(second.head.epochs.at(-1)).toMatchObject({ last: 3 })
      expect(first.outcomes).toEqual(first.entries.map(({ cursor }) => ({ cursor })))
    })

    it('CUR-4 reads back what it gave out, byte for byte, also after it was opened anew', async () => {
      const log = await fresh()
      const audience = { to: { sessions: ['s'] }, except: ['t'] }
      const given = [
        ...(await log.append([work('é😀\u0000 \n'), work({ a: [1] }, { audience })], 1)).entries,
        ...(await log.append([{ drafts: [draft(1), draft(2)] }], 2)).entries,
      ]
      for (const open of [async () => log, () => log.reopen()]) {
        const same = await open()
        await same.load()
        const { entries } = await same.read(everything)
        expect(entries).toEqual(given)
        expect(entries[1]?.audience).toEqual(audience)
      }
    })

    it('scans from any place to any other, by entries and by bytes', async () => {
      const log = await fresh()
      for (const batch of [[0, 1, 2], [3], [4, 5, 6, 7]])
        await log.append(
          batch.map((n) => work(n)),
          1,
        )
      const { entries } = await log.read(everything)
      const at = (n: number) => parseCursor(entries[n]?.cursor as string)
      for (let from = 0; from < 8; from++) {
        for (let to = from; to < 8; to++) {
          const page = await log.read({ after: at(from), through: at(to), maxBytes: 1e9 })
          expect(dataOf(page.entries)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].slice(from + 1, to + 1))
          expect(page.through).toEqual(at(to))
        }
      }
      const few = await log.read({ ...everything, after: at(1), maxEntries: 3 })
      expect([dataOf(few.entries), few.through]).toEqual([[2, 3, 4], at(4)])
      const small = await log.read({ ...everything, after: at(1), maxBytes: 1 })
      expect([dataOf(small.entries), small.through]).toEqual([[2], at(2)])
      const last = await log.read({ ...everything, through: at(6), maxEntries: 3, fromEnd: true })
      expect([dataOf(last.entries), last.after]).toEqual([[4, 5, 6], at(3)])
      const lastSmall = await log.read({ ...everything, through: at(6), maxBytes: 1, fromEnd: true })
      expect([dataOf(lastSmall.entries), lastSmall.after]).toEqual([[6], at(5)])
      const all = await log.read({ ...everything, through: at(6), after: at(1), fromEnd: true })
      expect([dataOf(all.entries), all.after]).toEqual([[2, 3, 4, 5, 6], at(1)])
    })

    it('PUB-5 knows an id again, within a commit, across commits and after it was opened anew', async () => {
      const log = await fresh()
      const { outcomes, entries } = await log.append([keyed('a', 'k'), keyed('a', 'k'), keyed('b', 'k', 2)], 1)
      const cursor = entries[0]?.cursor
      expect(entries).toHaveLength(1)
      expect(outcomes).toMatchObject([{ cursor }, { cursor, duplicate: true }, { error: 'id_reused' }])
      const again = await log.reopen()
      await again.load()
      expect(await again.knows('k')).toBe(true)
      expect(await again.knows('other')).toBe(false)
      const later = await again.append([keyed('a', 'k'), work('c')], 2)
      expect(later.outcomes[0]).toEqual({ cursor, duplicate: true })
      expect(dataOf(later.entries)).toEqual(['c'])
    })

    it('PUB-7 gives ephemeral messages their turn and no place', async () => {
      const log = await fresh()
      const { entries } = await log.append([work('a'), work('b', { ephemeral: true }), work('c')], 1)
      expect(dataOf(entries)).toEqual(['a', 'b', 'c'])
      expect(entries.map(({ cursor }) => cursor !== undefined)).toEqual([true, false, true])
      expect(dataOf((await log.read(everything)).entries)).toEqual(['a', 'c'])
    })

    it('FOLLOW-7 stores nothing for a commit that has nothing to store', async () => {
      const log = await fresh()
      await log.append([work('gone', { ephemeral: true })], 1)
      expect((await (await log.reopen()).load()).head.epochs).toEqual([])
    })

    it('keeps sessions and state, committed with the messages', async () => {
      const log = await fresh()
      const change = { put: [{ id: 's', user: 'u' }, { id: 't' }], state: '{"n":1}' }
      await log.append([{ drafts: [draft('a')], change }], 1)
      await log.append([{ drafts: [], change: { put: [{ id: 't', endsAt: 9 }], drop: ['s'] } }], 2)
      const { sessions, state } = await (await log.reopen()).load()
      expect({ sessions, state }).toEqual({ sessions: [{ id: 't', endsAt: 9 }], state: '{"n":1}' })
    })

    it('HOOK-3, HOOK-5 keeps what is to be told with what it tells of, in order, numbered upwards when opened anew', async () => {
      const log = await fresh()
      const told = [{ type: 'session.open', subject: 's', members: '"session":"s"' }] as const
      await log.append(
        [{ drafts: [draft('a'), draft('b', { ephemeral: true })], change: { told } }, keyed('c', 'k')],
        5000,
      )
      await log.append([keyed('c', 'k')], 6000)
      const again = await log.reopen()
      expect((await again.load()).waiting).toBe(3)
      await again.append([{ drafts: [], change: { told } }], 7000)
      const rows = await again.untold(100)
      expect(rows.map(({ count, time }) => [count, time])).toEqual([
        [3, 5000],
        [1, 7000],
      ])
      const events = rows.flatMap((row) => row.events.split('\n').map((event) => JSON.parse(event)))
      expect(events.map(({ type, subject }) => `${type} ${subject}`)).toEqual([
        'session.open s',
        'message id',
        'message id',
        'session.open s',
      ])
      expect(events[0]).toMatchObject({
        source: '/v1/rooms/room',
        time: '1970-01-01T00:00:05.000Z',
        data: { session: 's' },
      })
      const ids = events.map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)].sort())
      expect(rows[0]?.key).toBe(ids[0])
    })

    it('HOOK-2, HOOK-7, HOOK-8 hands out what waits by pieces, remembers what was tried, buries and digs up', async () => {
      const log = await fresh()
      await log.append(
        Array.from({ length: 250 }, (_, i) => work(i)),
        1,
      )
      const rows = await log.untold(1000)
      expect(rows.map(({ count }) => count)).toEqual([100, 100, 50])
      expect((await log.untold(150)).map(({ count }) => count)).toEqual([100])
      expect((await log.untold(1)).map(({ count }) => count)).toEqual([100])
      const [a, b, c] = rows.map(({ key }) => key) as [string, string, string]
      const change = (outbox: object): Promise<unknown> => log.append([{ drafts: [], change: { outbox } }], 2)
      const retry = { tries: 2, at: 99, rows: 1 }
      await change({ retry: { key: a, retry } })
      expect((await log.untold(1))[0]?.retry).toEqual(retry)
      await change({ bury: { keys: [a, b], reason: 'why', at: 7 } })
      expect((await log.untold(1000)).map(({ key }) => key)).toEqual([c])
      const letters = await log.dead('', 10)
      expect(letters.map(({ key, count, reason, died }) => [key, count, reason, died])).toEqual([
        [a, 100, 'why', 7],
        [b, 100, 'why', 7],
      ])
      expect((await log.dead(a, 1)).map(({ key }) => key)).toEqual([b])
      await change({ resend: [a], sent: [c] })
      const left = await log.untold(1000)
      expect(left).toEqual([{ ...rows[0], retry: null }])
      expect((await (await log.reopen()).load()).waiting).toBe(100)
    })

    it('takes a commit larger than a row, and a message as large as there are', async () => {
      const log = await fresh()
      const large = 'x'.repeat(900_000)
      const given = await log.append(
        [work(large), ...Array.from({ length: 200 }, (_, i) => work(`${i}${'y'.repeat(9000)}`))],
        1,
      )
      const again = await log.reopen()
      await again.load()
      const { entries } = await again.read(everything)
      expect(entries).toEqual(given.entries)
    })

    it('KEEP-1 keeps the newest messages by count, and says where they begin', async () => {
      const log = await (await fresh()).reopen({ count: 5, age: DAY })
      const given: Line[] = []
      for (let i = 1; i <= 12; i++) given.push(...(await log.append([work(i)], i)).entries)
      const place = (n: number) => parseCursor(given[n - 1]?.cursor as string)
      for (const open of [async () => log, () => log.reopen({ count: 5, age: DAY })]) {
        const same = await open()
        const { head } = await same.load()
        expect(head).toEqual({ epochs: [{ name: place(12).epoch, last: 12 }], floor: place(7) })
        const page = await same.read({ ...everything, after: place(3) })
        expect([dataOf(page.entries), page.floor]).toEqual([[8, 9, 10, 11, 12], place(7)])
        const last = await same.read({ ...everything, maxEntries: 9, fromEnd: true })
        expect(dataOf(last.entries)).toEqual([8, 9, 10, 11, 12])
        const few = await same.read({ ...everything, after: place(2), through: place(9) })
        expect(dataOf(few.entries)).toEqual([8, 9])
      }
    })

    it('KEEP-1 keeps a commit whole as long as any of its messages is to be kept', async () => {
      const log = await (await fresh()).reopen({ count: 4, age: DAY })
      await log.append([work(1), work(2), work(3)], 1)
      await log.append([work(4), work(5), work(6)], 2)
      expect(dataOf((await log.read(everything)).entries)).toEqual([1, 2, 3, 4, 5, 6])
      await log.append([work(7)], 3)
      expect(dataOf((await log.read(everything)).entries)).toEqual([4, 5, 6, 7])
    })

    it('KEEP-1 keeps messages by age, and the newest whatever its age', async () => {
      const log = await (await fresh()).reopen({ count: 100, age: 1000 })
      for (const time of [0, 500, 1000]) await log.append([work(time)], time)
      await log.append([work(1400)], 1400)
      expect(dataOf((await log.read(everything)).entries)).toEqual([500, 1000, 1400])
      const { head, entries } = await log.append([], 9999)
      expect([dataOf((await log.read(everything)).entries), entries]).toEqual([[1400], []])
      const last = head.epochs.at(-1)
      expect(head.floor).toEqual({ epoch: last?.name, offset: 3 })
      const again = await log.reopen({ count: 100, age: 1000 })
      expect((await again.load()).head).toEqual(head)
      expect((await again.append([work('next')], 10_000)).head.epochs).toEqual([{ ...last, last: 5 }])
    })

    it('KEEP-1 prunes a few rows at a time when a setting has become smaller', async () => {
      const before = await (await fresh()).reopen({ count: 100, age: DAY })
      for (let i = 1; i <= 60; i++) await before.append([work(i)], i)
      const log = await before.reopen({ count: 10, age: DAY })
      await log.load()
      const left = [60]
      for (let now = 61; left.at(-1) !== 10; now++) {
        await log.append([], now)
        left.push((await log.read(everything)).entries.length)
        expect(left.length).toBeLessThan(60)
      }
      const steps = left.slice(1).map((n, i) => (left[i] as number) - n)
      expect(Math.max(...steps)).toBeLessThan(20)
      expect(Math.min(...steps)).toBeGreaterThan(0)
    })

    it('KEEP-2 knows an id for ten minutes, also when its message is gone, and then no more', async () => {
      const kept = { count: 2, age: DAY }
      let log = await (await fresh()).reopen(kept)
      const [first] = (await log.append([keyed('a', 'k')], 0)).entries
      const [second] = (await log.append([keyed('b', 'l')], 1000)).entries
      for (const time of [2000, 3000, 4000]) await log.append([work(time)], time)
      expect(dataOf((await log.read(everything)).entries)).toEqual([3000, 4000])
      for (const open of [async () => log, () => log.reopen(kept)]) {
        log = await open()
        const { head } = await log.load()
        expect(head.floor.offset).toBe(3)
        const { outcomes } = await log.append([keyed('a', 'k')], REMEMBERED - 1)
        expect(outcomes).toEqual([{ cursor: first?.cursor, duplicate: true }])
        expect(dataOf((await log.read(everything)).entries)).toEqual([3000, 4000])
      }
      await log.append([], REMEMBERED)
      expect([await log.knows('k'), await log.knows('l')]).toEqual([false, true])
      log = await log.reopen(kept)
      await log.load()
      expect([await log.knows('k'), await log.knows('l')]).toEqual([false, true])
      const { outcomes } = await log.append([keyed('b', 'l', 9), keyed('again', 'k', 7)], REMEMBERED + 1)
      expect(outcomes).toMatchObject([
        { error: 'id_reused' },
        { cursor: expect.not.stringMatching(`${first?.cursor}`) },
      ])
      expect(second?.cursor).toBeDefined()
      await log.append([], 3 * REMEMBERED)
      expect([await log.knows('k'), await log.knows('l')]).toEqual([true, false])
    })

    it('KEEP-2 knows the id of a message that is kept, however old it is', async () => {
      const log = await (await fresh()).reopen({ count: 2, age: DAY })
      await log.append([keyed('a', 'k'), work('b')], 0)
      await log.append([], 2 * REMEMBERED)
      expect(await log.knows('k')).toBe(true)
    })
  })
}
