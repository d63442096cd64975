import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Edge, startEdge } from '../../src/cli/edge.ts'
import { eventually } from '../targets/target.ts'
import { info, postJson, say, wholeHistory } from './clients/http.ts'
import { tellingTransports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { Roster, whoIsHere } from './clients/presence.ts'
import { Framed, Plain } from './clients/websocket.ts'
import { freshRoom, range } from './suite.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({ entry: 'test/conformance/storage.worker.ts', port: 0 })
})
afterAll(() => edge.stop())

interface Watched {
  readonly commits: number[]
  readonly errors: string[]
}

const watch = async (room: string, init?: RequestInit, fault = ''): Promise<Watched> =>
  (await fetch(`${edge.url}/watch?room=${room}${fault && `&fault=${fault}`}`, init)).json() as Promise<Watched>
const fail = (room: string, fault: 'before' | 'after' | 'lost') => watch(room, { method: 'PUT' }, fault)
const mend = (room: string) => watch(room, { method: 'PUT' })

const dataOf = (events: readonly { data?: unknown }[]): unknown[] => events.map(({ data }) => data)

test('OPS-3 while a room cannot commit it rests, says so once, reads on, and has everyone’s presence right when it can', async () => {
  const room = freshRoom()
  await say(edge.url, room, 'kept')
  const readers = await Promise.all(tellingTransports.map(({ open }) => open(edge.url, room, { cursor: '0-0' })))
  for (const reader of readers) expect(dataOf(await reader.messages(1))).toEqual(['kept'])
  const ann = await Framed.open(edge.url, room, { presence: 1 })
  await eventually('she is here', async () => (await whoIsHere(edge.url, room)).count === 1)

  await fail(room, 'before')
  // His coming is to be written, and cannot be.
  const ben = await Framed.open(edge.url, room, { presence: 1 })
  const before = (await watch(room)).commits.length
  await eventually('it has tried again', async () => (await watch(room)).commits.length >= before + 4)
  expect(await postJson(edge.url, room, { data: 'refused' })).toMatchObject({ http: 503, code: 'storage' })
  expect(await ben.ask({ op: 'publish', data: 'refused' })).toMatchObject({ type: 'error', code: 'storage' })
  expect(dataOf(await wholeHistory(edge.url, room))).toEqual(['kept'])
  const { commits, errors } = await watch(room)
  const rests = commits.slice(before).map((at, i) => at - (commits[before + i - 1] as number))
  // A timer may come a little early.
  expect(Math.min(...rests.slice(1))).toBeGreaterThan(450)
  expect(errors).toEqual(['made to fail: before'])

  await mend(room)
  await eventually(
    'he is here, although nobody did anything',
    async () => (await whoIsHere(edge.url, room)).count === 2,
  )
  await say(edge.url, room, 'after')
  for (const reader of readers) expect(dataOf(await reader.messages(1))).toEqual(['after'])
  const here = await whoIsHere(edge.url, room)
  for (const each of [ann, ben]) {
    const roster = new Roster()
    for (const event of await each.presenceUntil('after')) roster.hear(event)
    roster.expectToBe(here)
  }
  await fail(room, 'before')
  expect(await postJson(edge.url, room, { data: 'refused' })).toMatchObject({ http: 503, code: 'storage' })
  expect((await watch(room)).errors).toEqual(['made to fail: before', 'made to fail: before'])
})

test('OPS-3 a room that can neither commit nor look at what it has answers, sends everyone away, and is there again', async () => {
  const room = freshRoom()
  const cursor = await say(edge.url, room, 'kept')
  const framed = await Framed.open(edge.url, room)
  const held = ask(edge.url, room, { cursor, wait: 55 })
  await eventually('it is held', async () => (await info(edge.url, room)).connections?.poll === 1)
  await fail(room, 'lost')
  // Whoever comes first fails, and with it those who wait; whoever comes after finds the room made anew.
  const answers = await Promise.all(range(10).map((i) => postJson(edge.url, room, { data: i, id: `${i}` })))
  const kinds = answers.map(({ http, code }) => [http, code].join(' '))
  expect(kinds).toContain('503 storage')
  expect(kinds.filter((kind) => kind !== '503 storage' && kind !== '201 ')).toEqual([])
  const acknowledged = answers.flatMap(({ http }, i) => (http === 201 ? [i] : []))
  // What is aborted cannot say why; either way it comes back.
  expect([4012, 1006]).toContain((await framed.closed).code)
  expect(await held).toMatchObject({ http: 200, cursor, events: [], advice: { after: expect.any(Number) } })
  expect((await held).advice?.after).toBeGreaterThan(0)
  await say(edge.url, room, 'after')
  const kept = dataOf(await wholeHistory(edge.url, room))
  expect([kept[0], kept.at(-1)]).toEqual(['kept', 'after'])
  expect(kept.slice(1, -1).sort()).toEqual(acknowledged)
  const back = await Framed.open(edge.url, room, { cursor })
  expect(dataOf(await back.messages(kept.length - 1))).toEqual(kept.slice(1))
})

test('STORE-1 a commit that was written and says that it was not is heard by everyone, in its place', async () => {
  const room = freshRoom()
  await say(edge.url, room, 'kept')
  const readers = await Promise.all(tellingTransports.map(({ open }) => open(edge.url, room, { cursor: '0-0' })))
  for (const reader of readers) expect(dataOf(await reader.messages(1))).toEqual(['kept'])
  const plain = await Plain.open(edge.url, room)
  await fail(room, 'after')
  const inDoubt = await postJson(edge.url, room, { data: 'in doubt', id: 'x' })
  expect(inDoubt).toMatchObject({ http: 503, code: 'storage', detail: expect.stringMatching(/^It is not known/) })
  // Nothing is replayed to it.
  expect(await plain.closed).toEqual({ code: 4012, reason: 'storage' })
  await mend(room)
  expect(await postJson(edge.url, room, { data: 'in doubt', id: 'x' })).toMatchObject({ http: 200, duplicate: true })
  await say(edge.url, room, 'after')
  for (const reader of readers) expect(dataOf(await reader.messages(2))).toEqual(['in doubt', 'after'])
  expect(dataOf(await wholeHistory(edge.url, room))).toEqual(['kept', 'in doubt', 'after'])
})
