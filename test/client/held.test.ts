import { expect, onTestFinished, test } from 'vitest'
import { Hub } from '../../src/client/hub.ts'
import type { Room } from '../../src/client/index.ts'
import { postJson } from '../conformance/clients/http.ts'
import { chapter, freshRoom, range } from '../conformance/suite.ts'
import { brisk } from './reading.ts'

chapter('the client SDK, when rooms are read slowly, left and followed again', (gateway) => {
  function connect(): Hub {
    const client = new Hub(gateway.url, { queue: 3000 }, brisk())
    onTestFinished(() => client.close())
    return client
  }

  /** A room that has more than a reader lets wait. */
  async function busy(): Promise<string> {
    const name = freshRoom()
    const publisher = connect().room<number>(name)
    await Promise.all(range(1500).map((n) => publisher.publish(n)))
    return name
  }

  const held = (client: Hub): Promise<void> =>
    new Promise((resolve) => client.on('state', ({ reason }) => reason === 'the reader is behind' && resolve()))

  const reads = async (room: Room, count: number): Promise<unknown[]> => {
    const read: unknown[] = []
    for await (const event of room) if (event.type === 'message' && read.push(event.data) === count) break
    return read
  }

  test('a reader that answers each message goes on while it is behind', async () => {
    const client = connect()
    const room = client.room<number>(await busy(), { cursor: '0-0' })
    const isHeld = held(client)
    const read: unknown[] = []
    for await (const event of room) {
      if (read.length === 0) {
        await postJson(gateway.url, room.name, { data: 'more' })
        await isHeld
        // What is said now cannot wait for a connection, which waits for this reader.
        await expect(room.publish(-1)).resolves.toMatchObject({ id: expect.any(String) })
      }
      if (event.type === 'message' && read.push(event.data) === 1502) break
    }
    expect(read).toEqual([...range(1500), 'more', -1])
  })

  test('a reader that was left behind with its room holds up no other room', async () => {
    const client = connect()
    const [slow, other] = [client.room(await busy(), { cursor: '0-0' }), client.room(freshRoom())]
    slow[Symbol.asyncIterator]()
    const isHeld = held(client)
    await expect.poll(() => slow.cursor).toBeDefined()
    await postJson(gateway.url, slow.name, { data: 'more' })
    await isHeld
    slow.leave()
    const heard = reads(other, 1)
    await other.publish('still here')
    expect(await heard).toEqual(['still here'])
  })

  test('a reader that waits can be told to end', async () => {
    const room = connect().room(freshRoom())
    const feed = room[Symbol.asyncIterator]()
    const next = feed.next()
    await feed.return(undefined)
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test.each([
    ['alone', 0],
    ['beside another', 1],
  ])('a room that is left and followed again in one turn begins where it is asked to, %s', async (_, others) => {
    const client = connect()
    const [name] = [freshRoom(), ...range(others).map(() => client.room(freshRoom()))]
    const room = client.room(name)
    for (const data of range(3)) await room.publish(data)
    room.leave()
    expect(await reads(client.room(name, { cursor: '0-0' }), 3)).toEqual([0, 1, 2])
  })

  test('a room that is left and followed again before it was there begins where it is asked to', async () => {
    const name = freshRoom()
    for (const data of range(3)) await postJson(gateway.url, name, { data })
    const client = connect()
    client.room(name)
    await Promise.resolve()
    client.leave(name)
    expect(await reads(client.room(name, { cursor: '0-0' }), 3)).toEqual([0, 1, 2])
  })

  test('a state of nothing is no state', async () => {
    const client = connect()
    const room = client.room(freshRoom(), { presence: true })
    await room.setPresence({ away: true })
    await room.setPresence(undefined)
    expect((await room.presence()).members).toEqual([{ session: room.session }])
  })
})
