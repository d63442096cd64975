import { expect } from 'vitest'
import { type Answer, post, postJson } from './clients/http.ts'
import { Line } from './clients/tcp.ts'
import { Framed, Plain } from './clients/websocket.ts'
import type { Item } from './corpus.ts'
import type { Gateway } from './suite.ts'

/** A way into a room. */
export interface Way {
  name: string
  kinds: Item['kind'][]
  /** Resolves when all are in, with the items in the order of the log. */
  publish(base: string, room: string, items: Item[]): Promise<Item[]>
}

/** So many requests are under way at once: enough to be quick, and to meet each other in one commit. */
const AT_ONCE = 16

const body = ({ kind, payload }: Item): string => {
  if (kind === 'bytes') return `"bytes":"${Buffer.from(payload).toString('base64')}"`
  return `"data":${kind === 'text' ? JSON.stringify(payload) : payload}`
}

function overHttp(
  name: string,
  kinds: Item['kind'][],
  send: (base: string, room: string, item: Item) => Promise<Answer>,
): Way {
  const publish = async (base: string, room: string, items: Item[]) => {
    const placed: { cursor: string; item: Item }[] = []
    const left = items.values()
    const worker = async () => {
      for (const item of left) {
        const { http, cursor, text } = await send(base, room, item)
        expect([http, text]).toEqual([201, text])
        placed.push({ cursor: `${cursor}`, item })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    return placed.sort((a, b) => (a.cursor < b.cursor ? -1 : 1)).map(({ item }) => item)
  }
  return { name, kinds, publish }
}

/** Those that every target has. */
const ways: Way[] = [
  overHttp('POST of JSON', ['text', 'json', 'bytes'], (base, room, item) => postJson(base, room, `{${body(item)}}`)),
  overHttp('POST of text', ['text'], (base, room, item) =>
    post(base, room, 'text/plain; charset=utf-8', item.payload as string),
  ),
  overHttp('POST of bytes', ['bytes'], (base, room, item) =>
    post(base, room, 'application/octet-stream', item.payload as Uint8Array<ArrayBuffer>),
  ),
  {
    name: 'holdline.v1',
    kinds: ['text', 'json', 'bytes'],
    async publish(base, room, items) {
      const framed = await Framed.open(base, room)
      const answers = items.map((_, ref) => framed.answer(ref))
      for (const [ref, item] of items.entries()) framed.send(`[{"op":"publish","ref":${ref},${body(item)}}]`)
      for (const answer of answers) expect(await answer).toMatchObject({ type: 'ack' })
      return items
    },
  },
  {
    name: 'holdline.plain',
    kinds: ['text', 'bytes'],
    async publish(base, room, items) {
      const sender = await Plain.open(base, room)
      const witness = await Framed.open(base, room)
      for (const { payload } of items) sender.send(payload)
      await witness.messages(items.length)
      return items
    },
  },
]

const tcp: Way = {
  name: 'tcp',
  kinds: ['text', 'json', 'bytes'],
  async publish(base, room, items) {
    const line = await Line.open(base, room)
    const answers = items.map((_, ref) => line.answer(ref))
    // A line break within JSON would end the line.
    for (const [ref, item] of items.entries())
      line.send(`{"op":"publish","ref":${ref},${body(item)}}`.replaceAll(/[\r\n]/g, ' '))
    for (const answer of answers) expect(await answer).toMatchObject({ type: 'ack' })
    return items
  },
}

export const waysOf = ({ target }: Pick<Gateway, 'target'>): Way[] => (target.name === 'node' ? [...ways, tcp] : ways)
