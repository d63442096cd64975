import type { Entry } from '../../src/protocol/entry.ts'
import type { Host } from './host.ts'
import type { Publication } from './publications.ts'
import { type Person, type Reader, saidIn } from './reader.ts'

/** What must hold when all has come to rest: each promise that was broken, in words. Cursors sort bytewise (CUR-1). */
export function judge(host: Host, readers: readonly Reader[], publications: readonly Publication[]): string[] {
  const wrong: string[] = []
  const hold = (is: boolean, ...what: unknown[]): void => void (is || wrong.push(what.join(' ')))
  judgeLog(hold, host.log, publications)
  const by = new Map(publications.map((each) => [each.data, each]))
  for (const reader of readers) {
    const isFor = (entry: Entry | undefined): boolean => mayHear(reader.person, entry, by.get(dataOf(entry)))
    judgeReader((is, ...what) => hold(is, reader.person.name, ...what), host, reader, isFor)
  }
  judgePresence(hold, host, readers)
  return wrong
}

type Hold = (is: boolean, ...what: unknown[]) => void
type IsFor = (entry: Entry | undefined) => boolean

/** Order; no more and no less than was sent and acknowledged. */
function judgeLog(hold: Hold, log: readonly Entry[], publications: readonly Publication[]): void {
  for (const [i, { cursor = '', time }] of log.entries()) {
    const before = log[i - 1]
    hold(before?.cursor === undefined || cursor > before.cursor, cursor, 'is out of order')
    hold(before === undefined || time >= before.time, 'time runs backwards at', cursor)
  }
  const places = Map.groupBy(log.keys(), (i) => dataOf(log[i]))
  const known = new Set(publications.map(({ data }) => data))
  for (const data of places.keys()) hold(known.has(data), data, 'was never sent')
  for (const { data, id, acks, refusals, isInDoubt, isEphemeral } of publications) {
    const stored = places.get(data) ?? []
    hold(stored.length <= 1, data, 'is stored at', stored)
    hold(id === undefined || acks.length > 0, data, 'was never acknowledged')
    const isTrue = isEphemeral || acks.every((cursor) => cursor === log[stored[0] ?? -1]?.cursor)
    hold(isTrue, data, 'was acknowledged at', acks, 'and stands at', stored)
    const isRefused = acks.length === 0 && refusals.length > 0 && !isInDoubt
    hold(!isRefused || stored.length === 0, data, 'was refused', refusals, 'and stored')
  }
  for (const [batch, items] of Map.groupBy(publications, (each) => each.batch)) {
    const at = items.map(({ data }) => places.get(data)?.[0])
    const isWhole = at.every((place, i) => place === (at[0] === undefined ? undefined : at[0] + i))
    hold(batch === undefined || isWhole, 'batch', batch, 'was torn apart:', at)
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
      } else if (type === 'message' && cursor !== undefined) {
        const lost = between(at, cursor).filter((each) => each !== data)
        hold(cursor > at && lost.length === 0, 'was at', at, 'heard', data, 'at', cursor, 'and lost', lost)
        at = cursor
      } else if (type === 'cursor' && cursor !== undefined) {
        hold(cursor >= at && between(at, cursor).length === 0, 'was led from', at, 'to', cursor)
        at = cursor
      }
    }
  }
  const missing = at === undefined ? [] : between(at, host.head)
  hold(missing.length === 0, 'still lacks', missing)
}

/** Everyone who asked knows who is here. */
function judgePresence(hold: Hold, { present }: Host, readers: readonly Reader[]): void {
  const those = readers.filter(({ person }) => person.isPresent)
  const sessions = new Set(those.map(({ person }) => person.session))
  hold(present.count === sessions.size, present.count, 'are present in place of', [...sessions])
  for (const { person, view } of those.filter((each) => !each.person.isPlain)) {
    hold(view.rev === present.rev && view.count === present.count, person.name, 'sees', view.count, view.rev)
  }
}

/** Whom its publisher meant (PUB-8); what an application has made of it is for everybody. */
function mayHear({ session, user }: Person, entry: Entry | undefined, sent: Publication | undefined): boolean {
  if (entry === undefined || sent === undefined || entry.json.includes('"said":')) return sent !== undefined
  const { to, except = [], echo = true } = sent.fields
  if (except.includes(session) || (!echo && sent.author.person.session === session)) return false
  return !to || Boolean(to.sessions?.includes(session) || (user !== undefined && to.users?.includes(user)))
}

const dataOf = (entry: Entry | undefined): string =>
  entry?.type === 'message' ? `${saidIn(JSON.parse(entry.json).data)}` : ''
