import type { WebSocket } from 'ws'
import type { ServerEvent } from '../conformance/clients/events.ts'
import type { Follower } from '../conformance/clients/follower.ts'
import { history, type Query } from '../conformance/clients/http.ts'
import { ask } from '../conformance/clients/poll.ts'
import { Stream } from '../conformance/clients/sse.ts'
import { Framed } from '../conformance/clients/websocket.ts'

export interface Stay {
  readonly url: string
  readonly room: string
  /** `cursor` and `resume`, and who is present with what it knows of presence. */
  readonly query: Query
  /** So many messages are waited for. */
  readonly count: number
  /** How it ends: in good manners, by a half-closed connection (FIN), or by a broken one (RST). */
  readonly ending: 'close' | 'fin' | 'rst'
}

/** A stay on one transport; all that it heard before its end. */
export type Leg = (stay: Stay) => Promise<ServerEvent[]>

/** Also what had arrived and was not waited for: a client that received it has seen it. */
async function heardOn(follower: Follower, count: number, end: () => Promise<void> | void): Promise<ServerEvent[]> {
  const heard: ServerEvent[] = []
  while (heard.filter(({ type }) => type === 'message').length < count) heard.push(await follower.next())
  await end()
  return [...heard, ...follower.inbox.waiting()]
}

const websocket: Leg = async ({ url, room, query, count, ending }) => {
  const framed = await Framed.open(url, room, query)
  return heardOn(framed, count, async () => {
    if (ending === 'close') framed.socket.close()
    else if (ending === 'fin') framed.socket.terminate()
    else tcpOf(framed.socket).resetAndDestroy()
    await framed.closed
  })
}

/** `ws` keeps its TCP socket to itself, and has no way to reset it. */
const tcpOf = (socket: WebSocket) => (socket as unknown as { _socket: import('node:net').Socket })._socket

const stream: Leg = async ({ url, room, query, count }) => {
  const sse = await Stream.open(url, room, query)
  return heardOn(sse, count, () => sse.close())
}

const poll: Leg = async ({ url, room, query, count, ending }) => {
  const heard: ServerEvent[] = []
  let { cursor, presence } = query
  do {
    const answer = await ask(url, room, { ...query, cursor, presence, wait: 20 })
    if (answer.http !== 200) throw new Error(`poll was answered ${answer.http} ${answer.text}`)
    heard.push(...answer.events)
    cursor = answer.cursor
    // Who comes back with an old rev is told at once what there is, and would ask for ever (PRES-4).
    presence = answer.events.at(-1)?.rev ?? presence
  } while (heard.filter(({ type }) => type === 'message').length < count)
  if (ending === 'close') return heard
  // Leaves in the middle of one that is held, or that is just being answered: what it would have said is not heard.
  const leaving = new AbortController()
  const held = ask(url, room, { ...query, cursor, presence, wait: 20 }, leaving.signal)
  setImmediate(() => leaving.abort())
  return [...heard, ...(await held.then(({ events }) => events).catch(() => []))]
}

const look: Leg = async ({ url, room, query: { presence: _, ...query }, count }) => {
  const page = await history(url, room, { after: query.cursor, limit: Math.max(count, 1), resume: query.resume })
  return page.messages
}

export const legs = { websocket, stream, poll, look } as const
