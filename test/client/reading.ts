import { environment, type Timing } from '../../src/client/environment.ts'
import { Hub } from '../../src/client/hub.ts'
import type { TransportName } from '../../src/client/index.ts'

/** What a reader is to do; as JSON, since it may run in a browser. */
export interface Task {
  readonly url: string
  readonly room: string
  readonly count: number
  readonly session: string
  readonly transports?: readonly TransportName[]
  readonly timing?: Partial<Timing>
  /** It goes on until it stands on this one. */
  readonly ends?: TransportName
}

/** What it has to tell. */
export interface Told {
  readonly messages: readonly { readonly cursor: string; readonly data: unknown }[]
  /** Whatever else the log had to say. */
  readonly others: readonly unknown[]
  readonly errors: readonly string[]
  /** Of those that stood, in their order. */
  readonly transports: readonly string[]
  readonly session: string
  /** Milliseconds. */
  readonly firstMessage: number
}

/** Timing for a network without distances, and jitter of a twentieth, since nobody else comes back at that time. */
export const brisk = (timing: Partial<Timing> = {}) => ({
  ...environment,
  random: () => Math.random() / 20,
  timing: { ...environment.timing, patience: 1500, answer: 4000, climb: 400, ...timing },
})

/** Reads from the very beginning until it has so many messages, and stands where it shall. */
export async function read(task: Task): Promise<Told> {
  const { url, room: name, count, session, transports, timing, ends } = task
  const began = performance.now()
  const client = new Hub(url, { session, ...(transports !== undefined && { transports }) }, brisk(timing))
  const stood: string[] = []
  const messages: { cursor: string; data: unknown }[] = []
  const errors: string[] = []
  let isThere = (): void => {}
  const there = new Promise<void>((resolve) => {
    isThere = resolve
  })
  client.on('state', ({ state, transport = '' }) => {
    if (state !== 'open' && state !== 'recovering') return
    if (stood.at(-1) !== transport) stood.push(transport)
    if (messages.length === count && transport === ends) isThere()
  })
  client.on('error', ({ message }) => errors.push(message))
  const room = client.room(name, { cursor: '0-0', presence: true })
  room.on('error', ({ message }) => errors.push(message))
  const others: unknown[] = []
  let firstMessage = 0
  for await (const event of room) {
    firstMessage ||= performance.now() - began
    if (event.type === 'message') messages.push({ cursor: `${event.cursor}`, data: event.data })
    else others.push(event)
    if (messages.length === count) break
  }
  if (ends !== undefined && stood.at(-1) !== ends) await there
  client.close()
  return { messages, others, errors, transports: stood, session: room.session, firstMessage }
}

/** What somebody is to say, and what became of it. */
export async function say({ url, room: name, count, transports }: Omit<Task, 'session'>) {
  const client = new Hub(url, { ...(transports !== undefined && { transports }) }, brisk())
  const room = client.room<number>(name)
  const acks = await Promise.all(Array.from({ length: count }, (_, n) => room.publish(n)))
  const { messages } = await room.history({ limit: 1000 })
  client.close()
  return { acks, said: messages.map(({ data, from }) => ({ data, isOwn: from === room.session })) }
}
