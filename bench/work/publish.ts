import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpWire } from '../load/http.ts'
import { messageText } from '../load/message.ts'
import { Socket } from '../load/socket.ts'
import { Histogram } from '../load/tally.ts'
import { FrameReader, headerSize, textFrame } from '../load/websocket.ts'
import type { Cores } from '../machine/cpu.ts'
import { meter } from '../machine/meter.ts'
import { doubt, limitOf, type Measured, noise } from '../report/row.ts'
import { backend } from '../servers/access.ts'
import type { Server } from '../servers/server.ts'

const CLIENTS = 50
const ROOMS = 10
/** Seconds, in which V8 compiles what runs often. */
const WARM_UP = 5

/** Publishes one message after the other, and is told when each was acknowledged. */
type Publish = (acknowledged: () => void) => void

/** Clients that publish each their next message when the last one was acknowledged: committed, that is. */
export async function publish(
  server: Server,
  by: 'http' | 'websocket',
  seconds: number,
  cores: Cores | undefined,
): Promise<Measured> {
  const troubles = new Set<string>()
  const ends: (() => void)[] = []
  const latency = new Histogram()
  let done = 0
  let isOver = false
  const open = by === 'http' ? overHttp : overWebSocket
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      open(server, `bench-${i % ROOMS}`, i, (what) => troubles.add(what), ends),
    ),
  )
  const loop = (publish: Publish): void => {
    const began = performance.now()
    publish(() => {
      latency.add(performance.now() - began)
      done++
      if (!isOver) loop(publish)
    })
  }
  try {
    for (const client of clients) loop(client)
    await sleep(WARM_UP * 1000)
    latency.clear()
    const before = done
    const measured = meter(server, cores)
    await sleep(seconds * 1000)
    const used = measured()
    const published = done - before
    const figures = {
      publishes: (published / used.wall) * 1000,
      p50: latency.quantile(0.5, latency.count),
      p99: latency.quantile(0.99, latency.count),
      p999: latency.quantile(0.999, latency.count),
      each: (used.cpu * 1000) / published,
      server: used.server,
      generator: used.generator,
    }
    const limit = limitOf(used)
    return {
      figures,
      ...doubt(used),
      held: troubles.size === 0 && limit === undefined,
      notes: [...(limit === undefined ? [] : [`NO FIGURE OF THE SERVER: ${limit}`]), ...noise(used), ...troubles],
    }
  } finally {
    isOver = true
    for (const end of ends) end()
  }
}

type Open = (
  server: Server,
  room: string,
  number: number,
  trouble: (what: string) => void,
  ends: (() => void)[],
) => Promise<Publish>

const overHttp: Open = async ({ url }, room, number, trouble, ends) => {
  const http = await HttpWire.open(url)
  http.onEnd = (why) => trouble(`a connection ended: ${why}`)
  ends.push(() => http.destroy())
  const body = JSON.stringify({ data: messageText(number) })
  const request = Buffer.from(
    `POST /v1/rooms/${room}/messages HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${backend}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return (acknowledged) =>
    http.ask(request, ({ status, bytes }) => {
      if (status === 201) acknowledged()
      else trouble(`a publish was answered ${status}: ${bytes.toString('utf8', 0, 200)}`)
    })
}

const overWebSocket: Open = async ({ url, kind: { dialect } }, room, number, trouble, ends) => {
  let acknowledged = (): void => {}
  const frame = textFrame(`{"op":"publish","data":"${messageText(number)}","echo":false}`)
  const wire = await Socket.dial(new URL(dialect.publish(room), url), dialect.protocol, (socket) => {
    const reader = new FrameReader((buffer, start, end) => {
      const text = buffer.toString('utf8', start + headerSize(buffer, start), end)
      const heard = dialect.hear(text, (answer) => socket.write(textFrame(answer)))
      if (heard.trouble !== undefined) trouble(`a publisher was told: ${heard.trouble}`)
      if (heard.acknowledged === 1) acknowledged()
    })
    socket.onBytes = (chunk, from, end) => {
      for (let at = from; at < end; ) at = reader.step(chunk, at, end)
    }
    socket.onEnd = (why) => trouble(`a connection ended: ${why}`)
  })
  ends.push(() => wire.destroy())
  return (then) => {
    acknowledged = then
    wire.write(frame)
  }
}
