import { expect, onTestFinished, test } from 'vitest'
import type { ClientOptions } from '../../src/client/client.ts'
import type { HoldlineError } from '../../src/client/errors.ts'
import { Hub } from '../../src/client/hub.ts'
import type { Message, Room, TransportName } from '../../src/client/index.ts'
import { call, postJson } from '../conformance/clients/http.ts'
import { chapter, freshRoom, freshSecret, range } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { eventually } from '../targets/target.ts'
import { Meddler } from './meddler.ts'
import { brisk } from './reading.ts'

const TRANSPORTS: TransportName[] = ['websocket', 'sse', 'poll']

/** The next so many messages of a room. */
function next<T>(room: Room<T>, count: number): Promise<Message<T>[]> {
  const messages: Message<T>[] = []
  return new Promise((resolve) => {
    const unlisten = room.on('message', (message) => {
      if (messages.push(message) < count) return
      unlisten()
      resolve(messages)
    })
  })
}

const becomes = (room: Room, state: Room['state']): Promise<void> =>
  new Promise((resolve) => {
    if (room.state === state) resolve()
    room.on('state', (now) => now === state && resolve())
  })

const failure = (room: Room): Promise<HoldlineError> => new Promise((resolve) => room.on('error', resolve))

const dataOf = (messages: readonly Message[]): unknown[] => messages.map(({ data }) => data)

chapter('the client SDK', (gateway) => {
  function connect(options: ClientOptions = {}, url = gateway.url): Hub {
    const client = new Hub(url, options, brisk())
    onTestFinished(() => client.close())
    return client
  }

  async function fill(room: string, texts: readonly string[]): Promise<void> {
    for (const data of texts) await postJson(gateway.url, room, { data })
  }

  test.each(TRANSPORTS)(
    'follows several rooms over one %s, each from its own place, and joins and leaves',
    async (transport) => {
      const names = range(3).map(freshRoom)
      const [a = '', b = '', c = ''] = names
      for (const name of names) await fill(name, ['1', '2', '3'])
      const client = connect({ transports: [transport] })
      const one = client.room(a, { rewind: 1 })
      const two = client.room(b, { rewind: 2 })
      expect((await Promise.all([next(one, 1), next(two, 2)])).map(dataOf)).toEqual([['3'], ['2', '3']])

      const three = client.room(c, { cursor: '0-0' })
      expect(dataOf(await next(three, 3))).toEqual(['1', '2', '3'])
      const heard = range(3).map((i) => next([one, two, three][i] as Room, 1))
      await Promise.all([one, two, three].map((room) => room.publish(`to ${names.indexOf(room.name)}`)))
      expect((await Promise.all(heard)).map(dataOf)).toEqual([['to 0'], ['to 1'], ['to 2']])

      one.leave()
      expect(one.state).toBe('closed')
      const left = next(two, 1)
      await two.publish('still here')
      expect(dataOf(await left)).toEqual(['still here'])
      await expect(one.publish('x')).rejects.toMatchObject({ code: 'closed' })
    },
  )

  test.each(TRANSPORTS)('knows who is here over %s, and tells what it says of itself', async (transport) => {
    const name = freshRoom()
    const ada = connect({ transports: [transport] }).room(name, { presence: { state: { name: 'ada' } } })
    await becomes(ada, 'open')
    const bob = connect().room(name, { presence: true })
    const states = () => [...ada.members.values()].map(({ state }) => state)
    await expect.poll(states).toEqual(expect.arrayContaining([{ name: 'ada' }, undefined]))
    await bob.setPresence({ name: 'bob' })
    await expect.poll(states).toEqual(expect.arrayContaining([{ name: 'ada' }, { name: 'bob' }]))
    expect((await ada.presence()).count).toBe(2)
    expect(ada.session).not.toBe(bob.session)
  })

  test('what is published while the gateway is away waits, and comes once, in order', async () => {
    const room = connect().room<number>(freshRoom(), { cursor: '0-0' })
    const heard = next(room, 60)
    await room.publish(0)
    const said = Promise.all(range(30, 1).map((n) => room.publish(n)))
    const crash = gateway.running.crash()
    const more = Promise.all(range(29, 31).map((n) => room.publish(n)))
    await Promise.all([crash, said, more])
    expect(dataOf(await heard)).toEqual(range(60))
    expect((await room.history()).messages.map(({ data }) => data)).toEqual(range(60))
  })

  test('a reader that does not read has the log keep what comes, and then gets all of it', async () => {
    const name = freshRoom()
    const publisher = connect({ queue: 3000 }).room<number>(name)
    await Promise.all(range(3000).map((n) => publisher.publish(n)))
    const client = connect()
    const held = new Promise<void>((resolve) => {
      client.on('state', ({ reason }) => reason === 'the reader is behind' && resolve())
    })
    const feed = client.room<number>(name, { cursor: '0-0' })[Symbol.asyncIterator]()
    const first = await feed.next()
    await publisher.publish(3000)
    await held
    const read = [first.value?.type === 'message' ? first.value.data : first.value]
    for await (const event of feed) {
      read.push(event.type === 'message' ? event.data : event)
      if (read.length === 3001) break
    }
    expect(read).toEqual(range(3001))
  })

  test('a session that is ended has its room closed, and the other goes on', async () => {
    const client = connect()
    const [room, other] = [client.room(freshRoom()), client.room(freshRoom())]
    await Promise.all([becomes(room, 'open'), becomes(other, 'open')])
    const error = failure(room)
    await call(`${gateway.url}/v1/rooms/${room.name}/sessions/${room.session}`, { method: 'DELETE' })
    expect(await error).toMatchObject({ code: 'disconnected' })
    expect(room.state).toBe('closed')
    await other.publish('x')
    expect(other.state).toBe('open')
  })

  test('says what it cannot take', async () => {
    const client = connect({ queue: 2 })
    const room = client.room(freshRoom())
    const typing = room.publish('typing', { ephemeral: true })
    await expect(typing).rejects.toMatchObject({ code: 'not_connected' })
    const [, , third] = await Promise.allSettled(range(3).map((n) => room.publish(n)))
    expect(third).toMatchObject({ status: 'rejected', reason: { code: 'queue_full' } })
    await room.publish('typing', { ephemeral: true })
    await room.publish('a', { id: 'same' })
    await expect(room.publish('b', { id: 'same' })).rejects.toMatchObject({ code: 'id_reused' })
    expect(await room.publish('a', { id: 'same' })).toMatchObject({ duplicate: true })
    // One that is refused by name, and one that is more than the gateway reads, which costs the connection.
    await expect(room.publish('x'.repeat(100_000))).rejects.toMatchObject({ code: 'too_large' })
    await expect(room.publish('x'.repeat(1_000_000))).rejects.toMatchObject({ code: 'too_large' })
    await room.publish('still here')
    expect(() => client.room('a,b')).toThrow('no room name: a,b')
    const wrong = connect().room('x'.repeat(129))
    expect(await failure(wrong)).toMatchObject({ code: 'bad_room' })
    expect(wrong.state).toBe('closed')
    client.close()
    expect(() => client.room('x')).toThrow('closed')
  })

  test('a WebSocket that is swallowed while it stands is found out when it is asked, and nothing is lost', async () => {
    const meddler = await Meddler.start(gateway.url, {}, new Random(1))
    onTestFinished(() => meddler.stop())
    const client = connect({}, meddler.url)
    const room = client.room(freshRoom())
    await becomes(room, 'open')
    expect(client.state.transport).toBe('websocket')
    meddler.faults = { upgrades: 'swallow' }
    const heard = next(room, 2)
    await fill(room.name, ['1'])
    client.nudge()
    await fill(room.name, ['2'])
    expect(dataOf(await heard)).toEqual(['1', '2'])
    expect(client.state.transport).toBe('sse')
  })

  test('bytes come as bytes', async () => {
    const room = connect().room<Uint8Array>(freshRoom())
    const heard = next(room, 1)
    await room.publish(new Uint8Array([0, 128, 255]))
    expect(dataOf(await heard)).toEqual([new Uint8Array([0, 128, 255])])
  })

  test('the same secret is the same session, wherever it connects', async () => {
    const [name, session] = [freshRoom(), freshSecret()]
    const rooms = TRANSPORTS.map((transport) => connect({ session, transports: [transport] }).room(name))
    await Promise.all(rooms.map((room) => becomes(room, 'open')))
    expect(new Set(rooms.map((room) => room.session)).size).toBe(1)
  })

  test.each(['sse', 'poll'] as const)(
    'SES-3 WebSockets that a black hole has swallowed, one after the other, never end the %s that works',
    async (transport) => {
      const proxy = await Meddler.start(gateway.url, { upgrades: 'swallow' }, new Random(1))
      const timing = { patience: 150, climb: 40 }
      const client = new Hub(proxy.url, { transports: ['websocket', transport] }, brisk(timing))
      onTestFinished(async () => {
        client.close()
        await proxy.stop()
      })
      const room = client.room(freshRoom(), { cursor: '0-0' })
      const heard: unknown[] = []
      const others: unknown[] = []
      room.on('message', ({ data }) => heard.push(data))
      room.on('gap', (gap) => others.push(gap))
      room.on('error', (error) => others.push(error))
      await becomes(room, 'open')
      room.on('state', (state) => state !== 'recovering' && state !== 'open' && others.push(state))
      for (const n of range(9)) {
        const { swallowed } = proxy.done
        // Somebody who looks at the page again and again: it climbs anew each time, and does not slow down.
        client.nudge()
        await eventually('another is swallowed', () => proxy.done.swallowed > swallowed)
        await room.publish(n)
      }
      expect(others).toEqual([])
      proxy.faults = {}
      client.nudge()
      await eventually('it is up again', () => client.state.transport === 'websocket')
      await room.publish(9)
      await eventually('all came', () => heard.length === 10)
      expect(heard).toEqual(range(10))
      expect(others).toEqual([])
    },
  )
})
