import type { Entry } from '../../src/protocol/entry.ts'
import type { Host } from './host.ts'
import { isAccountedFor, isMeantFor, type Publication } from './publications.ts'
import { dataOf, isCounted, type Reader } from './reader.ts'

/** What must hold when all has come to rest: each promise that was broken, in words. Cursors sort bytewise (CUR-1). */
export function judge(host: Host, readers: readonly Reader[], publications: readonly Publication[]): string[] {
  const wrong: string[] = []
  const hold = (is: boolean, ...what: unknown[]): void => void (is || wrong.push(what.join(' ')))
  const by = new Map(publications.map((each) => [each.data, each]))
  judgeLog(hold, host, by)
  for (const reader of readers) {
    // What an application has made of a message, and counted, is for everybody.
    const isFor: IsFor = (entry) => isCounted(entry) || isMeantFor(by.get(dataOf(entry)), reader.person)
    judgeReader((is, ...what) => hold(is, reader.person.name, ...what), host, reader, isFor)
  }
  judgePresence(hold, host, readers)
  return wrong
}

type Hold = (is: boolean, ...what: unknown[]) => void
type IsFor = (entry: Entry | undefined) => boolean

/** Order; no more and no less than was sent and acknowledged. */
function judgeLog(hold: Hold, { log, asks }: Host, by: ReadonlyMap<string, Publication>): void {
  for (const [i, { cursor = '', time }] of log.entries()) {
    const before = log[i - 1]
    hold(!before || (cursor > `${before.cursor}` && time >= before.time), cursor, 'is out of order')
  }
  const places = Map.groupBy(log.keys(), (i) => dataOf(log[i]))
  for (const each of places.keys()) hold(by.has(each), each, 'was never sent')
  for (const each of by.values()) {
    const { data, acks, refusals, isInDoubt, isEphemeral } = each
    const stored = places.get(data) ?? []
    hold(stored.length <= 1, data, 'is stored at', stored)
    hold(isAccountedFor(each, stored.length > 0, asks), data, 'was never acknowledged or refused')
    const isTrue = isEphemeral || acks.every((cursor) => cursor === log[stored[0] ?? -1]?.cursor)
    hold(isTrue, data, 'was acknowledged at', acks, 'and stands at', stored)
    hold(!refusals[0] || acks.length > 0 || isInDoubt || !stored.length, data, 'was refused', refusals, 'and stands')
  }
  const sentOnce = [...by.values()].filter(({ lines, id }) => lines.length === 1 && id === undefined)
  for (const [, sent] of Map.groupBy(sentOnce, ({ lines }) => lines[0])) {
    const at = sent.flatMap(({ data }) => places.get(data) ?? [])
    hold(`${at}` === `${at.toSorted((a, b) => a - b)}`, sent.map(({ data }) => data).join(), 'stand at', at)
  }
  for (const [batch, items] of Map.groupBy(by.values(), (each) => each.batch)) {
    const at = items.filter(({ refusals }) => refusals.length === 0).map(({ data }) => places.get(data)?.[0])
    const isWhole = at.every((place, i) => place === (at[0] === undefined ? undefined : at[0] + i))
    // What the backend refused falls out of it; after a crash nobody was told what that was.
    const isUnknown = batch === undefined || (asks && items.some(({ isInDoubt }) => isInDoubt))
    hold(isUnknown || isWhole, 'batch', batch, 'was torn apart:', at)
  }
}

/** All that is for it, in order, once; or a gap that is true. And nothing that is for others. */
function judgeReader(hold: Hold, host: Host, { person, start, connections }: Reader, isFor: IsFor): void {
  const between = (from: string, to: string): string[] =>
    host.log.filter((entry) => isFor(entry) && `${entry.cursor}` > from && `${entry.cursor}` <= to).map(dataOf)
  const places = new Map(host.feed.map((entry, i) => [dataOf(entry), i]))
  let at = start
  for (const { codec, heard } of connections) {
    let last = -1
    const first = host.feed.findIndex((entry) => dataOf(entry) === heard[0]?.data)
    const unseen = host.feed.slice(first).filter((entry) => entry.type === 'message' && isFor(entry))
    for (const [n, { type, cursor, data, after, before, reason }] of heard.entries()) {
      if (codec === 'plain') hold(data === dataOf(unseen[n]), 'heard', data, 'in place of', dataOf(unseen[n]))
      if (type === 'message' || type === 'plain') {
        const place = places.get(`${data}`) ?? -1
        hold(place > last, 'heard', data, 'out of order')
        hold(isFor(host.feed[place]), 'heard', data, 'which is for others')
        last = place
      }
      if (at === undefined) continue
      if (type === 'gap') {
        hold(between(at, `${after}`).length === 0, 'lost', between(at, `${after}`), 'before the gap after', after)
        const isTrue = reason === 'retention' ? `${before}` <= host.floor : reason === 'forbidden' && person.pass
        hold(Boolean(isTrue), 'was told of a gap before', before, reason)
        if (`${before}` > at) at = `${before}`
      } else if (cursor !== undefined && (type === 'message' || type === 'cursor')) {
        const lost = between(at, cursor).filter((each) => type === 'cursor' || each !== data)
        const moves = type === 'cursor' ? cursor >= at : cursor > at
        hold(moves && lost.length === 0, 'was at', at, 'heard', data ?? type, 'at', cursor, 'and lost', lost)
        at = cursor
      }
    }
  }
  if (at !== undefined) hold(between(at, host.head).length === 0, 'still lacks', between(at, host.head))
}

/** Everyone who asked knows who is here: as a list or a count, whose revs differ in the first letter alone (PRES-6). */
function judgePresence(hold: Hold, { present }: Host, readers: readonly Reader[]): void {
  const those = readers.filter(({ person }) => person.isPresent)
  const sessions = new Set(those.map(({ person }) => person.session))
  hold(present.count === sessions.size, present.count, 'are present in place of', [...sessions])
  for (const { person, view } of those) {
    const isTrue = view.rev.slice(1) === present.rev.slice(1) && view.count === present.count
    hold(person.isPlain || isTrue, person.name, 'sees', view.count, view.rev, 'in place of', present.count, present.rev)
  }
}
