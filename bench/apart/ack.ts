import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Socket } from '../load/socket.ts'
import { FrameReader, headerSize, textFrame } from '../load/websocket.ts'
import { startOpen } from '../servers/servers.ts'

/** How long an acknowledgement takes, with `HOLDLINE_SYNC` as it is asked for: see README.md. */
const { values } = parseArgs({
  options: {
    sync: { type: 'string' },
    rate: { type: 'string' },
    publishers: { type: 'string', default: '10' },
    rooms: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
})
const [publishers, rooms, seconds] = [+values.publishers, +values.rooms, +values.seconds]
const WARM_UP = 2
const DATA = 'x'.repeat(128)

/** One publisher's wire: what it is told is looked through for the refs that were acknowledged. */
async function publisher(url: string, room: string, acknowledged: (ref: number) => void): Promise<Socket> {
  const reader = new FrameReader((buffer, start, end) => {
    const frame = buffer.toString('utf8', start + headerSize(buffer, start), end)
    if (frame.includes('"type":"error"')) throw new Error(`a publish was refused: ${frame}`)
    for (const [, ref] of frame.matchAll(/"type":"ack","ref":(\d+)/g)) acknowledged(Number(ref))
  })
  return Socket.dial(new URL(`/v1/rooms/${room}/ws`, url), 'holdline.v1', (socket) => {
    socket.onBytes = (chunk, from, end) => {
      for (let at = from; at < end; ) at = reader.step(chunk, at, end)
    }
  })
}

async function measure(sync: string, rate: number): Promise<string> {
  const server = await startOpen('node', undefined, { env: { HOLDLINE_SYNC: sync } })
  try {
    const total = (WARM_UP + seconds) * rate
    const latencies = new Float64Array(total).fill(Number.POSITIVE_INFINITY)
    let [left, began] = [total, 0]
    const dueOf = (n: number) => began + (n * 1000) / rate
    const acknowledged = (ref: number) => {
      latencies[ref] = performance.now() - dueOf(ref)
      left--
    }
    const wires = await Promise.all(
      Array.from({ length: publishers }, (_, i) => publisher(server.url, `room${i % rooms}`, acknowledged)),
    )
    began = performance.now() + 100
    for (let n = 0; n < total; ) {
      while (n < total && dueOf(n) <= performance.now()) {
        const operation = `{"op":"publish","ref":${n},"data":"${DATA}","echo":false}`
        wires[n++ % publishers]?.write(textFrame(operation))
      }
      await sleep(1)
    }
    const patience = performance.now() + 5000
    while (left > 0 && performance.now() < patience) await sleep(5)
    const sorted = latencies.slice(WARM_UP * rate).sort()
    const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] as number).toFixed(2).padStart(8)
    return `${sync.padEnd(7)} ${String(rate).padStart(6)} ${at(0.5)} ${at(0.99)} ${at(0.999)} ${at(1)}`
  } finally {
    await server.stop()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
console.log(`${publishers} publishers in ${rooms} rooms, messages of ${DATA.length} bytes, ${seconds} s a row`)
console.log('sync    rate/s   p50 ms   p99 ms p99.9 ms   max ms')
for (const sync of values.sync === undefined ? ['normal', 'full'] : [values.sync]) {
  for (const rate of values.rate === undefined ? [100, 2000] : [Number(values.rate)])
    console.log(await measure(sync, rate))
}
