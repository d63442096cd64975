import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import { openReaders, publishSteadily, quantile, type Reader } from './steady.ts'

/** What the edge charges for, and what its sleep costs: rows written, and the time from wake to delivery. */
const MESSAGES = 1000
const WAKES = 10
const ROOM = 'bench'

const socketUrl = (edge: Edge) => new URL(`/v1/rooms/${ROOM}/ws`, edge.url)

async function say(edge: Edge, data: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ data })
  const response = await fetch(`${edge.url}/v1/rooms/${ROOM}/messages`, { method: 'POST', headers, body })
  const answer = await response.text()
  if (response.status !== 201) throw new Error(`a publish was answered ${response.status} ${answer}`)
}

async function all(readers: readonly Reader[], next: number): Promise<void> {
  const end = Date.now() + 30_000
  while (readers.some((reader) => reader.next < next)) {
    if (Date.now() > end) throw new Error('not everything has arrived within 30 s')
    await sleep(2)
  }
}

/** Runs something on an edge of its own. What it stored stays in the folder until `look` has seen it. */
async function onEdge<T>(run: (edge: Edge) => Promise<T>, look: (folder: string) => void = () => {}): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'holdline-bench-'))
  const edge = await startEdge({ port: 0, data })
  try {
    return await run(edge).finally(() => edge.stop())
  } finally {
    look(data)
    rmSync(data, { recursive: true, force: true })
  }
}

/** Nothing was updated or deleted while these were published: the rows that stand are the rows that were written. */
function showRows(how: string, published: number): (folder: string) => void {
  return (folder) => {
    const count: Record<string, number> = {}
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.sqlite') || !file.includes('RoomObject')) continue
      const db = new DatabaseSync(join(folder, file))
      for (const { name } of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
        if (`${name}`.startsWith('_cf_')) continue
        const rows = db.prepare(`SELECT count(*) AS n FROM "${name}"`).get() as { n: number }
        count[`${name}`] = (count[`${name}`] ?? 0) + rows.n
      }
      db.close()
    }
    const perThousand = ((count.packs ?? 0) * 1000) / published
    console.log(`${how}: ${perThousand.toFixed(0)} rows per 1,000 messages (${JSON.stringify(count)} for ${published})`)
  }
}

async function oneByOne(edge: Edge): Promise<void> {
  const readers = await openReaders(socketUrl(edge), 10)
  for (let i = 0; i < MESSAGES; i++) await say(edge, `${i} 0`)
  await all(readers, MESSAGES)
}

const streamed = (rate: number, seconds: number) => async (edge: Edge) => {
  const readers = await openReaders(socketUrl(edge), 10)
  const { end } = await publishSteadily(socketUrl(edge), 0, { rate, seconds, bytes: 128 })
  await all(readers, rate * seconds)
  end()
}

/** A publish over HTTP until the first and until the last of so many has it, the room asleep before or awake. */
const wakes = (sockets: number) => async (edge: Edge) => {
  const readers: Reader[] = []
  while (readers.length < sockets) {
    readers.push(...(await openReaders(socketUrl(edge), Math.min(50, sockets - readers.length))))
  }
  for (const asleep of [false, true]) {
    const [first, last]: [number[], number[]] = [[], []]
    for (let i = 0; i < WAKES + 1; i++) {
      if (asleep)
        await edge.mf.unsafeEvictDurableObject('holdline', 'RoomObject', { name: ROOM, webSockets: 'hibernate' })
      for (const { latencies } of readers) latencies.length = 0
      const number = readers[0]?.next as number
      await say(edge, `${number} ${performance.now().toFixed(3)}`)
      await all(readers, number + 1)
      const took = readers.map(({ latencies }) => latencies[0] as number)
      // The first one warms up what publishes.
      if (i === 0) continue
      first.push(Math.min(...took))
      last.push(Math.max(...took))
    }
    const [one, other] = [first, last].map(
      (times) => `${quantile(times, 0.5).toFixed(1)} (${Math.max(...times).toFixed(1)})`,
    )
    console.log(
      `${sockets} sockets, ${asleep ? 'asleep' : 'awake '}: first delivery after ${one} ms, last after ${other} ms`,
    )
  }
  const disorder = readers.reduce((sum, reader) => sum + reader.disorder, 0)
  if (disorder > 0) throw new Error(`${disorder} messages were lost, repeated or out of order`)
  for (const { socket } of readers) socket.destroy()
}

await onEdge(oneByOne, showRows('one by one over HTTP', MESSAGES))
await onEdge(streamed(1000, 5), showRows('1,000/s over one WebSocket', 5000))
console.log(`publish over HTTP to a room whose sockets hibernate; median (worst) of ${WAKES}`)
for (const sockets of [10, 5000]) await onEdge(wakes(sockets))
process.exit(0)
