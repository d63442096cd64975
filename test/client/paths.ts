import { expect } from 'vitest'
import { Hub } from '../../src/client/hub.ts'
import type { Room, TransportName } from '../../src/client/index.ts'
import { wholeHistory } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, freshSecret, range } from '../conformance/suite.ts'
import type { Random } from '../random.ts'
import { eventually } from '../targets/target.ts'
import { type Faults, Meddler } from './meddler.ts'
import { brisk, type Task, type Told } from './reading.ts'

/** A way from a client to the gateway. */
export interface Path {
  readonly faults: Faults
  readonly transports?: readonly TransportName[]
  /** What stands at last. */
  readonly ends: TransportName
  /** How the network changes, in equal parts of the whole, and what stands then. */
  readonly later?: readonly { readonly faults: Faults; readonly ends: TransportName }[]
  /** Faults that must have happened, or nothing was survived; of `later`, in its order. */
  readonly survives?: (keyof Meddler['done'])[]
}

const CUTS = { cut: 0.15, badGateway: 0.1 }
/** Messages that are published at once; each lot is a few pieces on the way, which may be cut between any two. */
const LOT = 10

export const paths: Readonly<Record<string, Path>> = {
  'on a good network': { faults: {}, ends: 'websocket' },
  'where upgrades are refused': { faults: { upgrades: 'refuse' }, ends: 'sse', survives: ['refused'] },
  'where handshakes hang and streams are held back': {
    faults: { upgrades: 'hang', streams: 'hold' },
    ends: 'poll',
    survives: ['refused', 'held'],
  },
  'where WebSockets are black-holed after the handshake': {
    faults: { upgrades: 'swallow' },
    ends: 'sse',
    survives: ['swallowed'],
  },
  'by WebSocket, cut at random': { faults: CUTS, transports: ['websocket'], ends: 'websocket', survives: ['cut'] },
  'by SSE, cut at random': { faults: CUTS, transports: ['sse'], ends: 'sse', survives: ['cut'] },
  'by long-poll, cut at random': { faults: CUTS, transports: ['poll'], ends: 'poll', survives: ['cut'] },
  'while the network gets worse, and better again': {
    faults: {},
    later: [
      { faults: { upgrades: 'swallow' }, ends: 'sse' },
      { faults: { upgrades: 'refuse', streams: 'hold', cut: 0.02 }, ends: 'poll' },
      { faults: { upgrades: 'refuse' }, ends: 'sse' },
      { faults: {}, ends: 'websocket' },
    ],
    ends: 'websocket',
    survives: ['swallowed', 'held', 'refused'],
  },
}

export interface Figures {
  readonly transports: string
  readonly firstMessage: number
  readonly seconds: number
  readonly done: Meddler['done']
}

/**
 * Has so many messages published, some of them over the path, while they are read over it, and holds what was read
 * against the log: nothing lost, nothing twice, in order, by one session that never left.
 */
export async function walk(
  gateway: string,
  path: Path,
  count: number,
  random: Random,
  read: (task: Task) => Promise<Told>,
): Promise<Figures> {
  const { faults, later = [], transports, ends, survives = [] } = path
  const proxy = await Meddler.start(gateway, faults, random)
  const place = { url: proxy.url, room: freshRoom(), ...(transports !== undefined && { transports }) }
  const watcher = await Framed.open(gateway, place.room, { presence: 1 })
  const direct = new Hub(gateway, {}, brisk())
  const through = new Hub(place.url, place, brisk())
  const began = performance.now()
  try {
    const [near, far] = [direct.room(place.room), through.room(place.room)]
    const reading = read({ ...place, ends, count: count + 1, session: freshSecret() })
    const own = publish(far, range(count / 10), 1)
    const share = (0.9 * count) / (later.length + 1)
    await publish(near, range(share, count / 10), LOT)
    for (const [i, next] of later.entries()) {
      proxy.faults = next.faults
      proxy.cutAll()
      await reaches(through, next.ends)
      // Where it ends, it may have been already: what it is to survive there has yet to happen.
      const fault = survives[i]
      if (fault !== undefined) await eventually(fault, () => proxy.done[fault] > 0)
      await publish(near, range(share, count / 10 + (i + 1) * share), LOT)
    }
    await own
    await reaches(through, ends)
    await far.publish(count)
    const told = await reading
    const seconds = (performance.now() - began) / 1000

    const log = (await wholeHistory(gateway, place.room)).map(({ cursor, data }) => ({ cursor, data: Number(data) }))
    expect(told.messages.length).toBe(count + 1)
    expect(told.messages.slice(-log.length)).toEqual(log)
    const sorted = told.messages.map(({ data }) => Number(data)).sort((a, b) => a - b)
    expect(sorted).toEqual(range(count + 1))
    expect(told.others).toEqual([])
    expect(told.errors).toEqual([])
    for (const fault of survives) expect(proxy.done[fault], fault).toBeGreaterThan(0)

    // One that comes now proves that the watcher has heard all there was to hear.
    const stranger = await Framed.open(gateway, place.room, { presence: 1 })
    const isStranger = ({ session, type }: { session?: string; type: string }) =>
      type === 'presence' && session === stranger.welcome.session
    const heard = await watcher.inbox.until(isStranger)
    const changes = heard.filter(({ type, session }) => type === 'presence' && session === told.session)
    expect(changes.map(({ action }) => action)).toEqual(['join'])
    await stranger.close()
    return { transports: told.transports.join(' → '), firstMessage: told.firstMessage, seconds, done: proxy.done }
  } finally {
    direct.close()
    through.close()
    await watcher.close()
    await proxy.stop()
  }
}

async function publish(room: Room, data: readonly number[], lot: number): Promise<void> {
  for (let i = 0; i < data.length; i += lot) {
    await Promise.all(data.slice(i, i + lot).map((each) => room.publish(each)))
  }
}

/** Waits until it stands: the best that the network lets through is found by a timed climb. */
function reaches(client: Hub, transport: TransportName): Promise<void> {
  const { state } = client
  if (state.state === 'open' && state.transport === transport) return Promise.resolve()
  return new Promise((resolve) => {
    const unlisten = client.on('state', (now) => {
      if (now.state !== 'open' || now.transport !== transport) return
      unlisten()
      resolve()
    })
  })
}
