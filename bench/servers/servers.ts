import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Dialect, framed, plain, socketIo } from '../load/dialect.ts'
import type { PollDialect } from '../load/poller.ts'
import type { Cores } from '../machine/cpu.ts'
import { ACCESS, backend, token } from './access.ts'
import { type Kind, Server, type ServerUrl, type StartOptions } from './server.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const node = (script: string): readonly string[] => [process.execPath, here(script)]
/** What `npm start` runs, and without npm, which would be a process more. */
const npmStart = (): readonly string[] => {
  const root = here('../..')
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const words = scripts.start.split(' ').slice(1)
  return [process.execPath, ...words.map((word) => (word.startsWith('--') ? word : join(root, word)))]
}

const count = async (address: string, headers: Record<string, string>, read: (answer: unknown) => number) => {
  const response = await fetch(address, { headers })
  // Nchan knows nothing of a channel before somebody is there.
  return response.ok ? read(await response.json()) : 0
}

const follow = (room: string): string => `/v1/rooms/${room}/ws?token=${token}`
const [name, value] = backend.trim().split(': ') as [string, string]
const holdlinePresent = (url: ServerUrl, room: string): Promise<number> =>
  count(`${url}/v1/rooms/${room}`, { [name]: value }, (answer) => websockets(answer))
const websockets = (answer: unknown): number => (answer as { connections: { websocket: number } }).connections.websocket

const holdline = framed({ follow })
const holdlinePlain = plain({ follow, present: holdlinePresent, ping: '{"op":"ping"}' })
const byHand: Dialect = plain({
  follow: (room) => `/v1/rooms/${room}/ws`,
  present: (url, room) => count(`${url}/v1/rooms/${room}`, {}, websockets),
})
const party: Dialect = plain({
  follow: (room) => `/parties/main/${room}`,
  present: (url, room) => count(`${url}/parties/main/${room}`, {}, websockets),
})
const channel: Dialect = plain({
  follow: (room) => `/sub/${room}`,
  publish: (room) => `/pub/${room}`,
  countsPublishers: false,
  present: (url, room) =>
    count(`${url}/pub/${room}`, { accept: 'text/json' }, (answer) => (answer as { subscribers: number }).subscribers),
})

const PEERS = '../peers/node_modules'
const installed = (peer: string): string | undefined =>
  existsSync(here(`${PEERS}/${peer}`)) ? undefined : `${peer} is not installed: npm ci --prefix bench/peers`

/** Debian puts it there; others may, elsewhere. */
export const NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so'

const CURSOR = Buffer.from('"cursor":"')

/** Each with a session of its own and its token, as the client does it. */
const holdlinePoll = (url: ServerUrl): PollDialect => {
  const rest = ` HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const address = (room: string, poller: number) =>
    `GET /v1/rooms/${room}/poll?resume=${String(poller).padStart(22, 'p')}`
  return {
    startsAtOnce: true,
    first: (room, poller) => address(room, poller) + rest,
    next(room, poller, { bytes }) {
      const from = bytes.indexOf(CURSOR) + CURSOR.length
      const cursor = bytes.toString('latin1', from, bytes.indexOf(34, from))
      return `${address(room, poller)}&cursor=${cursor}${rest}`
    },
  }
}

/** By the time and the tag of the last message, as HTTP has it. */
const channelPoll = (url: ServerUrl): PollDialect => {
  const address = (room: string) => `GET /poll/${room} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n`
  return {
    startsAtOnce: false,
    first: (room) => `${address(room)}\r\n`,
    next(room, _, { head }) {
      const [, time] = /^last-modified: *(.*)$/im.exec(head) ?? []
      const [, tag] = /^etag: *(.*)$/im.exec(head) ?? []
      return `${address(room)}If-Modified-Since: ${time}\r\nIf-None-Match: ${tag}\r\n\r\n`
    },
  }
}

const onNode: Kind = {
  label: 'Holdline on Node',
  command: npmStart,
  env: (data) => ({ ...ACCESS, HOLDLINE_DATA: join(data, 'rooms.db') }),
  dialect: holdline,
  poll: holdlinePoll,
  stream: (room) => `/v1/rooms/${room}/events?token=${token}`,
}
const onWorkerd: Kind = {
  label: 'Holdline on workerd',
  command: () => node('../../src/cli/edge.ts'),
  env: (data) => ({ ...ACCESS, HOLDLINE_DATA: data }),
  dialect: holdline,
  poll: holdlinePoll,
  stream: (room) => `/v1/rooms/${room}/events?token=${token}`,
}

/** Everything that is measured, by the name that `--server` takes. */
export const KINDS = {
  node: onNode,
  'node-plain': { ...onNode, label: 'Holdline on Node, plain', dialect: holdlinePlain },
  'node-compressed': {
    ...onNode,
    label: 'Holdline on Node, compressed',
    env: (data: string) => ({ ...onNode.env(data), HOLDLINE_COMPRESSION: '1' }),
    dialect: { ...holdline, isCompressed: true },
  },
  'node-full': {
    ...onNode,
    label: 'Holdline on Node, sync full',
    env: (data: string) => ({ ...onNode.env(data), HOLDLINE_SYNC: 'full' }),
  },
  workerd: onWorkerd,
  ws: { label: '`ws` by hand', command: () => node('./ws.ts'), env: () => ({}), dialect: byHand },
  'socket.io': {
    label: 'Socket.IO',
    command: () => node('../peers/socket-io.js'),
    env: () => ({}),
    dialect: socketIo,
    missing: () => installed('socket.io'),
  },
  nchan: {
    label: 'nginx + nchan',
    command: (data: string) => [...node('./nchan.ts'), data],
    env: () => ({}),
    dialect: channel,
    poll: channelPoll,
    stream: (room: string) => `/sse/${room}`,
    missing: () => (existsSync(NCHAN) ? undefined : 'nchan is not installed: apt-get install nginx libnginx-mod-nchan'),
  },
  partyserver: {
    label: 'partyserver on workerd',
    command: () => node('../peers/partyserver.js'),
    env: () => ({}),
    dialect: party,
    missing: () => installed('partyserver'),
  },
} satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

/** Holdline without keys, for what is measured by itself: see `apart`. */
export function startOpen(name: 'node' | 'workerd', cores: Cores | undefined, options?: StartOptions): Promise<Server> {
  const env = (data: string) => ({ HOLDLINE_DATA: KINDS[name].env(data).HOLDLINE_DATA as string })
  return Server.start({ ...KINDS[name], env }, cores, options)
}
