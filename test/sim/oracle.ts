import { comparePositions, parseCursor, type Position } from '../../src/protocol/cursor.ts'
import { type Entry, mayRead } from '../../src/protocol/entry.ts'
import type { Host } from './host.ts'
import type { Publication } from './publications.ts'
import { type Reader, saidIn } from './reader.ts'

/** What must hold when all has come to rest; each line that is broken, in words. */
export function judge(host: Host, readers: readonly Reader[], publications: readonly Publication[]): string[] {
  const wrong: string[] = []
  const log = host.feed.filter(({ position }) => position !== null)
  const said = new Map(log.map((entry) => [entry.cursor, entry]))
  const indices = new Map(host.feed.map((entry, i) => [dataOf(entry), i]))
  const hold = (is: boolean, what: () => string): unknown => is || wrong.push(what())

  log.forEach((entry, i) => {
    const before = log[i - 1]
    hold(!before || (entry.cursor as string) > (before.cursor as string), () => `${entry.cursor} is out of order`)
    hold(!before || entry.time >= before.time, () => `time runs backwards at ${entry.cursor}`)
  })

  const copies = Map.groupBy(log, dataOf)
  for (const { data, id, acks, refusals, isInDoubt, isEphemeral } of publications) {
    const stored = copies.get(data)?.length ?? 0
    hold(stored <= 1, () => `${data} was stored ${stored} times`)
    hold(id === undefined || acks.length > 0, () => `${data} was never acknowledged`)
    for (const cursor of isEphemeral ? [] : acks) {
      hold(dataOf(said.get(cursor as string)) === data, () => `${data} was acknowledged at ${cursor}, and is not there`)
    }
    const isRefused = acks.length === 0 && refusals.length > 0 && !isInDoubt
    hold(!isRefused || stored === 0, () => `${data} was refused (${refusals}) and stored`)
  }
  for (const [data] of copies) hold(publications.some((each) => each.data === data), () => `${data} was never sent`)
  for (const batch of Map.groupBy(publications, (each) => each.batch).entries()) {
    const places = batch[1].map(({ data }) => log.findIndex((entry) => dataOf(entry) === data))
    const isWhole = places.every((place, i) => (places[0] === -1 ? place === -1 : place === (places[0] as number) + i))
    hold(batch[0] === undefined || isWhole, () => `batch ${batch[0]} is at ${places}`)
  }

  const floor = host.floor
  for (const reader of readers) {
    const { name, pass } = reader.person
    const mayNot = (what: string) => () => `${name} ${what}`
    const isFor = (entry: Entry): boolean => mayRead(reader.person, entry.audience)
    const passed = (from: Position, to: Position): Entry[] =>
      log.filter(({ position }) => comparePositions(position as Position, from) > 0 && comparePositions(position as Position, to) <= 0)
    let at = reader.start === undefined ? undefined : parseCursor(reader.start)
    for (const { codec, heard } of reader.connections) {
      let last = -1
      const expected = codec === 'plain' ? plainFrom(host.feed, isFor, heard[0]?.data) : []
      for (const [n, { type, cursor, data, after, before, reason }] of heard.entries()) {
        if (type === 'plain') hold(data === expected[n], mayNot(`heard ${data} in place of ${expected[n]}`))
        if (type === 'message' || type === 'plain') {
          const index = indices.get(data as string) ?? -1
          hold(index > last, mayNot(`heard ${data} out of order`))
          hold(isFor(host.feed[index] as Entry), mayNot(`heard ${data}, which is for others`))
          last = index
        }
        if (at === undefined || type === 'plain') continue
        if (type === 'gap') {
          const unsaid = passed(at, parseCursor(after as string)).filter(isFor)
          hold(unsaid.length === 0, mayNot(`lost ${unsaid.map(dataOf)} before the gap after ${after}`))
          const isTrue = reason === 'retention' ? comparePositions(parseCursor(before as string), floor) <= 0 : reason === 'forbidden' && pass !== undefined
          hold(isTrue, mayNot(`was told of a gap before ${before}: ${reason}`))
          if (comparePositions(parseCursor(before as string), at) > 0) at = parseCursor(before as string)
        } else if (cursor !== undefined && type !== 'welcome') {
          const to = parseCursor(cursor)
          const lost = passed(at, to).filter((entry) => isFor(entry) && entry.cursor !== (type === 'message' ? cursor : ''))
          hold(lost.length === 0, mayNot(`lost ${lost.map(dataOf)} on its way to ${cursor}`))
          hold(type === 'cursor' ? comparePositions(to, at) >= 0 : comparePositions(to, at) > 0, mayNot(`went back to ${cursor}`))
          hold(type !== 'message' || dataOf(said.get(cursor)) === data, mayNot(`heard ${data} at ${cursor}`))
          at = to
        }
      }
    }
    const missing = at === undefined ? [] : passed(at, host.head).filter(isFor)
    hold(missing.length === 0, mayNot(`still lacks ${missing.map(dataOf)}`))
  }

  const here = host.present
  const present = [...new Set(readers.filter(({ person }) => person.isPresent).map(({ person }) => person.session))]
  hold(here.count === present.length, () => `${here.count} are present in place of ${present}`)
  for (const { view, person } of readers.filter((each) => each.person.isPresent && !each.person.isPlain)) {
    hold(view.rev === here.rev && view.count === here.count, () => `${person.name} sees ${view.count} ${view.rev} in place of ${here.count} ${here.rev}`)
  }
  return wrong
}

const dataOf = (entry: Entry | undefined): string =>
  entry?.type === 'message' ? (saidIn(JSON.parse(entry.json).data) as string) : ''

/** What a plain connection hears from its first message on: all that is for it. */
function plainFrom(feed: readonly Entry[], isFor: (entry: Entry) => boolean, first: unknown): string[] {
  const all = feed.filter((entry) => entry.type === 'message' && isFor(entry)).map(dataOf)
  return all.slice(all.indexOf(first as string))
}
