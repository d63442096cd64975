import { expect } from 'vitest'
import { type Answer, post, postJson } from './clients/http.ts'
import { Framed, Plain } from './clients/websocket.ts'
import type { Item } from './corpus.ts'

/** A way into a room. */
export interface Way {
  name: string
  kinds: Item['kind'][]
  open(base: string, room: string): Promise<Publish> | Publish
}

/** Resolves when the item has its place in the order. */
type Publish = (item: Item) => Promise<unknown>

const body = ({ kind, payload }: Item): string => {
  if (kind === 'bytes') return `"bytes":"${Buffer.from(payload).toString('base64')}"`
  return `"data":${kind === 'text' ? JSON.stringify(payload) : payload}`
}

async function created(answer: Promise<Answer>): Promise<void> {
  const { http, text } = await answer
  expect([http, text]).toEqual([201, text])
}

const overHttp = (
  name: string,
  kinds: Item['kind'][],
  send: (base: string, room: string, item: Item) => Promise<Answer>,
) => ({
  name,
  kinds,
  open: (base: string, room: string) => (item: Item) => created(send(base, room, item)),
})

export const ways: Way[] = [
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
    async open(base, room) {
      const framed = await Framed.open(base, room)
      let refs = 0
      return async (item) => {
        const ref = ++refs
        const answer = framed.answer(ref)
        framed.send(`[{"op":"publish","ref":${ref},${body(item)}}]`)
        expect(await answer).toMatchObject({ type: 'ack', ref })
      }
    },
  },
  {
    name: 'holdline.plain',
    kinds: ['text', 'bytes'],
    async open(base, room) {
      const sender = await Plain.open(base, room)
      const witness = await Framed.open(base, room)
      return async (item) => {
        sender.send(item.payload)
        await witness.messages(1)
      }
    },
  },
]

/** One after another where the answer says when it is in, so that the order of the log is the order given. */
export async function publishInOrder(way: Way, base: string, room: string, items: Item[]): Promise<void> {
  const publish = await way.open(base, room)
  for (const item of items) await publish(item)
}
