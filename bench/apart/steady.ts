import net from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CLOSE,
  clientFrame,
  closeReason,
  FrameReader,
  headerSize,
  PING,
  PONG,
  TEXT,
  textFrame,
  upgradeRequest,
} from '../load/websocket.ts'

/** One that counts the numbered messages of a room, and can stop reading as a client does that is stuck. */
export class Reader {
  /** The number that must come next. */
  next: number
  disorder = 0
  /** Of the last message that it has. */
  cursor = '0-0'
  readonly latencies: number[] = []
  /** How it ended: `4001 slow`, or what the system says. */
  readonly ended: Promise<string>
  readonly welcomed: Promise<void>
  readonly socket: net.Socket
  #welcome = (): void => {}
  #end: (how: string) => void = () => {}
  #stops = false
  #heard = ''

  constructor(url: URL, next = 0) {
    this.next = next
    this.welcomed = new Promise((resolve) => {
      this.#welcome = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    const frames = new FrameReader((buffer, start, end) => this.#frame(buffer, start, end))
    this.socket = net.connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    this.socket.on('connect', () => this.socket.write(upgradeRequest(url, 'holdline.v1')))
    this.socket.on('data', (chunk) => {
      const from = this.#handshake(chunk)
      for (let at = from; at < chunk.length; ) at = frames.step(chunk, at, chunk.length)
      // Asked for within a read: the rest of it is taken, and no other follows.
      if (this.#stops) this.socket.pause()
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#end(`${error.code}`))
    this.socket.on('close', () => this.#end('closed'))
  }

  /** Reads no more, and leaves what comes to the system's buffers and to the server's. */
  pause(): void {
    this.#stops = true
    this.socket.pause()
  }

  resume(): void {
    this.#stops = false
    this.socket.resume()
  }

  send(text: string): void {
    this.socket.write(textFrame(text))
  }

  /** Where in the chunk the frames begin. */
  #handshake(chunk: Buffer): number {
    if (this.#heard.endsWith('\r\n\r\n')) return 0
    const before = this.#heard.length
    const all = this.#heard + chunk.toString('latin1')
    const end = all.indexOf('\r\n\r\n')
    this.#heard = end === -1 ? all : all.slice(0, end + 4)
    return end === -1 ? chunk.length : end + 4 - before
  }

  #frame(buffer: Buffer, start: number, end: number): void {
    const opcode = (buffer[start] as number) & 15
    const payload = buffer.subarray(start + headerSize(buffer, start), end)
    if (opcode === PING) this.socket.write(clientFrame(PONG, payload))
    if (opcode === CLOSE) {
      this.#end(closeReason(payload))
      this.socket.end(clientFrame(CLOSE, payload))
    }
    if (opcode === TEXT) for (const event of JSON.parse(payload.toString())) this.#event(event)
  }

  #event({ type, data, cursor, n }: { type: string; data: string; cursor: string; n: number }): void {
    if (type === 'welcome') {
      this.cursor = cursor
      this.#welcome()
    } else if (type === 'probe') this.send(`{"op":"probe","n":${n}}`)
    else if (type === 'gap') this.disorder++
    else if (type === 'message') {
      const [number, due] = data.split(' ', 2)
      if (Number(number) !== this.next) this.disorder++
      this.next = Number(number) + 1
      this.cursor = cursor
      this.latencies.push(performance.now() - Number(due))
    }
  }
}

export async function openReaders(url: URL, count: number): Promise<Reader[]> {
  const readers = Array.from({ length: count }, () => new Reader(url))
  await Promise.all(readers.map(({ welcomed }) => welcomed))
  return readers
}

/** Publishes so many messages of so many bytes a second, each with its number and the time when it was due. */
export async function publishSteadily(url: URL, from: number, load: { rate: number; seconds: number; bytes: number }) {
  const publisher = new Reader(url)
  await publisher.welcomed
  const start = performance.now()
  const count = load.rate * load.seconds
  for (let i = 0; i < count; ) {
    const due = start + (i * 1000) / load.rate
    if (performance.now() < due) await sleep(1)
    else {
      const data = `${from + i++} ${due.toFixed(3)} `.padEnd(load.bytes, 'x')
      publisher.send(`{"op":"publish","data":"${data}","echo":false}`)
    }
  }
  return { from: from + count, end: () => publisher.socket.destroy() }
}

/** The most memory that a process has while something goes on. */
export async function mostMemory<T>(
  of: { readonly memory: number },
  during: Promise<T>,
): Promise<{ most: number; result: T }> {
  let most = 0
  const look = (): void => {
    most = Math.max(most, of.memory)
  }
  const timer = setInterval(look, 100)
  try {
    const result = await during
    look()
    return { most, result }
  } finally {
    clearInterval(timer)
  }
}

export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
