import type { Entry } from '../../src/protocol/entry.ts'
import type { Log } from '../../src/room/log/log.ts'
import type { Retention } from '../../src/room/log/retention.ts'
import type { Scan, Settled, Work } from '../../src/room/ports.ts'
import type { Line, RemoteLog } from './log.ts'

/** A log whose commits may take their time. */
export type AnyLog = Omit<Log, 'append'> & {
  append(...[works, now]: Parameters<Log['append']>): Settled | Promise<Settled>
}

export type Call =
  | { readonly method: 'append'; readonly works: readonly Work[]; readonly now: number }
  | { readonly method: 'read'; readonly scan: Scan }
  | { readonly method: 'knows'; readonly key: string }
  | { readonly method: 'load' }
  | { readonly method: 'untold'; readonly events: number }
  | { readonly method: 'dead'; readonly after: string; readonly limit: number }
  | { readonly method: 'reopen'; readonly kept?: Retention }

const line = ({ json, cursor, audience }: Entry): Line => ({
  json,
  ...(cursor !== undefined && { cursor }),
  ...(audience !== undefined && { audience }),
})

/** What a log says to a call, as JSON can carry it. */
export async function answer(log: AnyLog, call: Call): Promise<unknown> {
  switch (call.method) {
    case 'append': {
      const { entries, outcomes, head } = await log.append(call.works, call.now)
      return { entries: entries.map(line), outcomes: outcomes.map(({ outcome }) => outcome), head }
    }
    case 'read': {
      const { entries, after, through, floor } = log.read(call.scan)
      return { entries: entries.map(line), after, through, floor }
    }
    case 'untold':
      return log.untold(call.events)
    case 'dead':
      return log.dead(call.after, call.limit)
    case 'knows':
      return log.knows(call.key)
    default:
      return log.load()
  }
}

/** A log as the contract suite calls it, wherever it is. */
export function remote(send: (call: Call) => Promise<unknown>, reopen: RemoteLog['reopen']): RemoteLog {
  return {
    append: (works, now) => send({ method: 'append', works, now }) as ReturnType<RemoteLog['append']>,
    read: (scan) => send({ method: 'read', scan }) as ReturnType<RemoteLog['read']>,
    knows: (key) => send({ method: 'knows', key }) as Promise<boolean>,
    load: () => send({ method: 'load' }) as ReturnType<RemoteLog['load']>,
    untold: (events) => send({ method: 'untold', events }) as ReturnType<RemoteLog['untold']>,
    dead: (after, limit) => send({ method: 'dead', after, limit }) as ReturnType<RemoteLog['dead']>,
    reopen,
  }
}

/** A log in this process. */
export const local = (log: AnyLog, reopened: RemoteLog['reopen']): RemoteLog =>
  remote(async (call) => JSON.parse(JSON.stringify(await answer(log, call))), reopened)

/** Calls a log that lives in a Durable Object of its own. */
export function object(url: string): (call: unknown) => Promise<unknown> {
  const address = `${url}/${crypto.randomUUID()}`
  return async (call) => {
    const response = await fetch(address, { method: 'POST', body: JSON.stringify(call) })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
}
