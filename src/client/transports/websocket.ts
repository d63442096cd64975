import type { Environment } from '../environment.ts'
import { endOf } from '../errors.ts'
import { ending } from './ending.ts'
import { type Ask, type Dial, type End, type Leaving, named, type ServerEvent, type Sink } from './wire.ts'

/** WS-5: exactly so, or a sleeping room would be woken by it. */
const PING = '{"op":"ping"}'

export const websocket: Dial = (environment: Environment, ask: Ask, sink: Sink) => {
  let socket: WebSocket | undefined
  let closing: Leaving | undefined
  let heartbeat = 25
  let isOver = false
  let cancelPing = (): void => {}
  let cancelDeadline: (() => void) | undefined

  const close = (): void => {
    isOver = true
    cancelPing()
    cancelDeadline?.()
    if (socket === undefined) return
    // What an abandoned socket still delivers is its successor's to deliver.
    socket.onmessage = socket.onclose = null
    socket.close(1000)
  }
  const end = (why: End): void => {
    if (isOver) return
    close()
    sink.ended(why)
  }
  const write = (text: string): void => {
    socket?.send(text)
    cancelDeadline ??= environment.after(environment.timing.answer, () => end({ reason: 'nothing came', silent: true }))
  }
  const heard = (events: readonly ServerEvent[]): void => {
    cancelDeadline?.()
    cancelDeadline = undefined
    for (const event of events) {
      if (event.type === 'welcome') heartbeat = event.heartbeat ?? heartbeat
      if (event.type === 'closing') closing = event
    }
    cancelPing()
    cancelPing = environment.after(heartbeat * 1000, () => write(PING))
    sink.heard(named(ask.rooms, events))
    for (const event of events) {
      if (event.type === 'probe' && !isOver) socket?.send(`{"op":"probe","n":${event.n}}`)
    }
  }
  const open = async (): Promise<void> => {
    const token = await ask.token()
    if (isOver) return
    sink.began()
    const url = ask.url('ws').replace(/^http/, 'ws')
    // A browser can set no header here; this is no URL, at least, that would be logged (AUTH-2).
    socket = new WebSocket(url, ['holdline.v1', ...(token ? [`holdline.token.${token}`] : [])])
    socket.onmessage = ({ data }) => heard(environment.parse(data as string) as ServerEvent[])
    socket.onclose = ({ code, reason }) => end(ending(code, reason, closing))
  }
  open().catch((error) => end(endOf(error)))

  return {
    close,
    send: (operations) => write(`[${operations.join()}]`),
    check: () => write(PING),
  }
}
