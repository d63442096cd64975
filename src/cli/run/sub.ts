import { toBase64 } from '../../client/bytes.ts'
import { environment } from '../../client/environment.ts'
import { Hub } from '../../client/hub.ts'
import type { Client, Feed, Room } from '../../client/index.ts'
import { Api } from '../api.ts'
import { EXIT, exitOf, Fault } from '../exit.ts'
import { print } from '../output.ts'
import { note } from '../terminal.ts'
import { type Where, type WhereOptions, where } from '../where.ts'
import { Exact, parseExactly } from './exact.ts'
import { lineOf, noteGap, ofRoom } from './message.ts'

export interface SubOptions extends WhereOptions {
  readonly json?: true
  readonly from?: string
  readonly rewind?: number
  readonly count?: number
}

/** `holdline sub`: until so many came, or it is told to stop. @throws Fault */
export async function sub(names: readonly string[], options: SubOptions): Promise<void> {
  const starts = startsOf(names, options)
  const there = where(options)
  const client = new Hub(there.url, clientOptions(there), { ...environment, parse: parseExactly })
  const rooms = names.map((name, i) => client.room<Data>(name, starts[i]))
  const signal = new Promise<NodeJS.Signals>((told) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, told)
  })
  const over = Promise.all([...rooms.map((room) => followed(room)), connected(client, there, names)])
  const left = { count: options.count ?? Number.POSITIVE_INFINITY }
  const done = read(rooms, left, options)
  const ended = await Promise.race([signal, done, over]).finally(() => client.close())
  // A proxy may leave a close unanswered: that is not waited for.
  setTimeout(() => process.exit(), 1000).unref()
  if (typeof ended === 'string') leave(ended, rooms)
}

/** @throws Fault */
function startsOf(names: readonly string[], { from, rewind }: SubOptions) {
  const cursors = from?.split('.')
  if (cursors !== undefined && cursors.length !== names.length) {
    throw new Fault(EXIT.usage, `--from has ${cursors.length} cursors, for ${names.length} rooms`)
  }
  return names.map((_, i) => ({
    ...(cursors?.[i] && { cursor: cursors[i] }),
    ...(rewind !== undefined && { rewind }),
  }))
}

function clientOptions({ token, isRenewable }: Where) {
  const given = token()
  if (given === undefined) return {}
  // AUTH-6: an API key comes in a header alone, and a WebSocket of the platform's sends none.
  const transports = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(given) ? {} : { transports: ['sse', 'poll'] as const }
  return { token: isRenewable ? () => token() as string : given, ...transports }
}

/** Ends with a Fault when a room is closed for good. */
function followed(room: Room<Data>): Promise<never> {
  room.on('gap', (gap) => noteGap(room.name, gap))
  return new Promise((_, reject) => {
    room.on('error', ({ code, message }) => {
      if (code !== 'closed') reject(new Fault(exitOf(code), `${room.name}: ${message || code}`))
    })
  })
}

/** Says where the client is. Ends with a Fault if it does not come to be connected. */
function connected(client: Client, there: Where, [name = '']: readonly string[]): Promise<never> {
  let wasOpen = false
  let isLost = true
  let failures = 0
  return new Promise((_, reject) => {
    client.on('error', ({ code, message }) => reject(new Fault(exitOf(code), message)))
    client.on('state', ({ state, transport, reason, retryIn }) => {
      if (state === 'open' || state === 'recovering') {
        if (isLost && (wasOpen || process.stderr.isTTY)) note(`connected by ${transport}`)
        wasOpen = true
        isLost = false
      }
      // Without a time it waits for somebody here.
      if (state !== 'waiting' || retryIn === undefined) return
      isLost = true
      if (wasOpen) note(`disconnected: ${reason}; again in ${(retryIn / 1000).toFixed(1)} s`)
      else if (++failures > 2) reject(new Fault(EXIT.unreachable, `no transport works: ${reason}; see holdline doctor`))
      // A plain request is told more than a connection.
      else new Api(there).get(name, '').catch(reject)
    })
  })
}

/** All rooms at once; each waits while whoever reads the lines is slow. */
async function read(rooms: readonly Room<Data>[], left: { count: number }, { json }: SubOptions): Promise<void> {
  await Promise.race(
    rooms.map(async (room) => {
      for await (const event of room) {
        if (left.count === 0) return
        if (event.type === 'message') left.count--
        if (json) await print(jsonOf(room.name, event))
        else if (event.type === 'message') {
          const line = lineOf(dataOf(event.data))
          await print(rooms.length > 1 ? ofRoom(room.name, line) : line)
        }
        if (left.count === 0) return
      }
      // Its end is told as a Fault, by who follows it.
      await new Promise(() => {})
    }),
  )
}

type Data = Exact | Uint8Array

const dataOf = (data: Data): string => (data instanceof Exact ? data.text : toBase64(data))

/** The event as the gateway sent it, with its room. */
function jsonOf(room: string, event: Feed<Data>): string {
  if (event.type !== 'message') return JSON.stringify({ ...event, room })
  const { type, data, ...rest } = event
  const last = data instanceof Exact ? `"data":${data.text}` : `"bytes":"${toBase64(data)}"`
  return `${JSON.stringify({ type, ...rest, room }).slice(0, -1)},${last}}`
}

/** Ends as by the signal, so that a script that was interrupted knows it; and says how to go on. */
function leave(signal: NodeJS.Signals, rooms: readonly Room<Data>[]): void {
  const cursors = rooms.map(({ cursor }) => cursor ?? '')
  if (process.stderr.isTTY && cursors.some((cursor) => cursor !== '')) note(`to go on: --from ${cursors.join('.')}`)
  process.kill(process.pid, signal)
}
