import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { wholeHistory } from '../conformance/clients/http.ts'
import { freshRoom, type Gateway } from '../conformance/suite.ts'
import type { Random } from '../random.ts'
import { eventually } from '../targets/target.ts'
import { Ledger } from './ledger.ts'
import { type Place, publishers } from './publishers.ts'
import { readers } from './readers.ts'

/** One room with all who publish to it and read it. */
function inhabited(gateway: Gateway, random: Random, name: string) {
  const room = freshRoom()
  const place: Place = { url: gateway.url, room, ledger: new Ledger(), random: random.fork(name) }
  return {
    ...place,
    publishing: Object.entries(publishers).map(([kind, start]) => start(kind, place)),
    reading: readers(place),
  }
}

type Inhabited = ReturnType<typeof inhabited>

/**
 * Kills the gateway so many times while two rooms are published to and read, and holds what everybody was told against
 * what the log then has. Returns what there was to lose.
 */
export async function crashRounds(gateway: Gateway, random: Random, rounds: number) {
  const rooms = ['one', 'other'].map((name) => inhabited(gateway, random, name))
  const when = random.fork('when')
  for (let round = 1; round <= rounds; round++) {
    const room = when.pick(rooms)
    // Right after it has come back, too; else in the middle of what is going on, at no special moment of it.
    await room.ledger.ackedSoMany(room.ledger.acks + when.whole(0, 80))
    await pause(when.next() * 20)
    await gateway.running.crash()
    for (const { ledger } of rooms) expect(ledger.wrong, `round ${round}`).toEqual([])
  }
  await Promise.all(rooms.flatMap(({ publishing }) => publishing.map((each) => each.stop())))
  const audited = await Promise.all(rooms.map(audit))
  return audited.reduce((a, b) => ({
    sent: a.sent + b.sent,
    acked: a.acked + b.acked,
    epochs: a.epochs + b.epochs,
    resumes: a.resumes + b.resumes,
  }))
}

async function audit({ url, room, ledger, reading }: Inhabited) {
  const log = (await wholeHistory(url, room)).map(({ cursor, data }) => ({ cursor: `${cursor}`, data: `${data}` }))
  const end = `${log.at(-1)?.cursor}`
  for (const reader of reading) {
    await eventually(`${reader.name} at ${reader.at} has come to ${end}`, () => reader.at >= end, 30)
    await reader.stop()
  }
  const [first, ...others] = reading
  for (const { heard, name } of others) expect(heard, name).toEqual(first?.heard)
  // A room keeps 10,000; what it kept no longer, the readers still heard as one.
  expect(first?.heard.slice(-log.length)).toEqual(log)
  ledger.audit(first?.heard ?? [])
  expect(ledger.wrong).toEqual([])
  const epochs = new Set(log.map(({ cursor }) => cursor.split('-')[0])).size
  const resumes = reading.reduce((sum, reader) => sum + reader.resumes, 0)
  return { sent: ledger.sent, acked: ledger.acks, epochs, resumes }
}
