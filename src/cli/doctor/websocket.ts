import type { IncomingMessage } from 'node:http'
import WebSocket from 'ws'
import { PING_TEXT, PONG_TEXT } from '../../protocol/events.ts'
import { type Finding, ok, wrong } from './finding.ts'
import { headersOf, type Patient, PROMPT, roomUrl } from './patient.ts'

const UPGRADES =
  'Let the proxy pass upgrades on. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade". Clients fall back to SSE meanwhile.'
const FRAMES = 'Something in front takes the upgrade and holds the frames: let it pass WebSockets through unread.'
const IDLE = 'Raise the idle timeout in front over 60 s. nginx: proxy_read_timeout 3600s; HAProxy: timeout tunnel 1h.'

/** Seconds: the pause between two pings of a client, and some. */
const QUIET = 30

/** Upgrade, first event, and an echo: a ping that is answered. `isSlow`: also once it was quiet as long as clients are. */
export async function websocket(patient: Patient, isSlow: boolean): Promise<Finding> {
  const url = roomUrl(patient, '/ws').replace(/^http/, 'ws')
  const socket = new WebSocket(url, 'holdline.v1', { headers: headersOf(patient), handshakeTimeout: PROMPT })
  const next = inboxOf(socket)
  const began = Date.now()
  try {
    const found = await opened(socket)
    if (found !== undefined) return found
    if ((await next()) === undefined) {
      return wrong('websocket', `opened, and then no event in ${PROMPT / 1000} s`, FRAMES)
    }
    const welcomed = Date.now() - began
    const echo = await pinged(socket, next)
    if (echo === undefined) return wrong('websocket', `a ping was not answered in ${PROMPT / 1000} s`, FRAMES)
    if (isSlow) {
      const quietAt = Date.now()
      const isClosed = await closesWithin(socket, QUIET)
      const quiet = Math.round((Date.now() - quietAt) / 1000)
      if (isClosed) return wrong('websocket', `cut after ${quiet} s of silence`, IDLE)
      if ((await pinged(socket, next)) === undefined)
        return wrong('websocket', `dead after ${quiet} s of silence`, IDLE)
    }
    return ok(
      'websocket',
      `first event in ${welcomed} ms, echo in ${echo} ms${isSlow ? `, stands ${QUIET} s of silence` : ''}`,
    )
  } finally {
    socket.terminate()
  }
}

/** Undefined: it is open. */
function opened(socket: WebSocket): Promise<Finding | undefined> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve(undefined))
    socket.once('unexpected-response', (_, { statusCode, headers: { server } }: IncomingMessage) =>
      resolve(
        wrong('websocket', `${server ?? 'something in front'} answered the upgrade with ${statusCode}`, UPGRADES),
      ),
    )
    // After the first it is told by the tries that come to nothing.
    socket.on('error', ({ message }) => resolve(wrong('websocket', `no upgrade: ${message}`, UPGRADES)))
  })
}

type Inbox = () => Promise<string | undefined>

/** Gives the next message, in its order; undefined: none comes. */
function inboxOf(socket: WebSocket): Inbox {
  const waiting: string[] = []
  let wake = (): void => {}
  socket.on('message', (data) => {
    waiting.push(`${data}`)
    wake()
  })
  socket.once('close', () => wake())
  return async () => {
    if (waiting.length === 0 && socket.readyState === WebSocket.OPEN) {
      await new Promise<void>((woken) => {
        const timer = setTimeout(woken, PROMPT)
        wake = () => {
          clearTimeout(timer)
          woken()
        }
      })
    }
    return waiting.shift()
  }
}

/** `within`: seconds. */
function closesWithin(socket: WebSocket, within: number): Promise<boolean> {
  return new Promise((told) => {
    const timer = setTimeout(told, within * 1000, false)
    socket.once('close', () => {
      clearTimeout(timer)
      told(true)
    })
  })
}

/** Milliseconds; undefined: no answer. What else comes meanwhile is somebody's message. */
async function pinged(socket: WebSocket, next: Inbox): Promise<number | undefined> {
  const began = performance.now()
  // In an array it is answered at once, and tells how far the gateway is (WS-5).
  socket.send(`[${PING_TEXT}]`)
  for (;;) {
    const text = await next()
    if (text === undefined) return undefined
    if (text === PONG_TEXT) return Math.round(performance.now() - began)
  }
}
