import type { ServerUrl } from '../servers/server.ts'
import { textFrame } from './websocket.ts'

/** What a frame said that bore no message. */
export interface Heard {
  readonly welcome?: boolean
  readonly acknowledged?: number
  readonly refused?: number
  /** What should not have been said. */
  readonly trouble?: string
}

/** How a server wants to be spoken to over WebSocket. */
export interface Dialect {
  /** The subprotocol that is offered. */
  readonly protocol?: string
  /** Do those who follow take compression? */
  readonly isCompressed?: true
  /** Where who follows a room dials, and who publishes in it. */
  follow(room: string): string
  publish(room: string): string
  /** The frames that publish these messages. */
  frames(texts: readonly string[]): Buffer
  /** What a text that bears no message says; what wants an answer is answered. */
  hear(text: string, answer: (text: string) => void): Heard
  /** Are those who follow told when they are in? If not, the server is asked how many there are. */
  readonly greets: boolean
  /** How many of a room's publishers and followers the server will say there are. */
  present?(url: ServerUrl, room: string): Promise<number>
  /** Do publishers count among those? */
  readonly countsPublishers?: boolean
  /** What a client has to say every 25 seconds to be taken for alive. */
  readonly ping?: string
}

const NOTHING: Heard = {}
/** The protocol lets one message hold 256 operations. */
const BATCH = 200

/** Whatever one client sends, the others get. */
export const plain = (options: Pick<Dialect, 'follow' | 'present'> & Partial<Dialect>): Dialect => ({
  publish: options.follow,
  frames: (texts) => Buffer.concat(texts.map(textFrame)),
  hear: () => NOTHING,
  greets: false,
  countsPublishers: true,
  ...options,
})

export const framed = (options: Pick<Dialect, 'follow'>): Dialect => ({
  protocol: 'holdline.v1',
  publish: options.follow,
  frames(texts) {
    const frames: Buffer[] = []
    for (let i = 0; i < texts.length; i += BATCH) {
      const operations = texts.slice(i, i + BATCH).map((text) => `{"op":"publish","data":"${text}","echo":false}`)
      frames.push(textFrame(`[${operations.join()}]`))
    }
    return frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames)
  },
  hear(text, answer) {
    let [acknowledged, refused, welcome, trouble]: [number, number, boolean, string | undefined] = [
      0,
      0,
      false,
      undefined,
    ]
    for (const event of JSON.parse(text) as { type: string; n?: number }[]) {
      if (event.type === 'ack') acknowledged++
      else if (event.type === 'welcome') welcome = true
      else if (event.type === 'probe') answer(`{"op":"probe","n":${event.n}}`)
      else if (event.type !== 'pong' && event.type !== 'cursor' && event.type !== 'message') {
        if (event.type === 'error') refused++
        trouble = JSON.stringify(event).slice(0, 200)
      }
    }
    return { acknowledged, refused, welcome, ...(trouble !== undefined && { trouble }) }
  },
  greets: true,
  ping: '{"op":"ping"}',
  ...options,
})

/** Engine.IO 4 and Socket.IO 5, as much of it as a client needs that speaks WebSocket from the start. */
export const socketIo: Dialect = {
  follow: (room) => `/socket.io/?EIO=4&transport=websocket&room=${room}`,
  publish: (room) => `/socket.io/?EIO=4&transport=websocket&room=${room}`,
  frames: (texts) => Buffer.concat(texts.map((text) => textFrame(`42["say","${text}"]`))),
  hear(text, answer) {
    if (text.startsWith('0')) answer('40')
    else if (text === '2') answer('3')
    else if (text.startsWith('42["joined"')) return { welcome: true }
    else if (text.startsWith('44') || text.startsWith('41')) return { trouble: text }
    return NOTHING
  },
  greets: true,
}
