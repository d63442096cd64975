import { describe, expect, test } from 'vitest'
import type { ServerEvent } from './clients/events.ts'
import type { Transport } from './clients/follower.ts'
import { history, say } from './clients/http.ts'
import { tellingTransportsOf, transportsOf } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway, range } from './suite.ts'

interface Stay {
  cursor: string
  heard: ServerEvent[]
}

/** A stay on one leg: as long as it takes to hear something, and a bit of what stands behind it. */
type Leg = (gateway: Gateway, room: string, cursor: string, resume: string) => Promise<Stay>

const followed =
  (transport: Transport): Leg =>
  async (gateway, room, cursor, resume) => {
    const reader = await transport.open(gateway.url, room, { cursor, resume })
    const heard = await reader.messages(1)
    await reader.close()
    // Also what had arrived when we closed: a client that received it has seen it.
    heard.push(...reader.inbox.waiting().filter(({ type }) => type === 'message'))
    return { cursor: heard.at(-1)?.cursor ?? cursor, heard }
  }

const looked: Leg = async (gateway, room, cursor, resume) => {
  const page = await history(gateway.url, room, { after: cursor, resume, limit: 7 })
  return { cursor: page.next, heard: page.messages }
}

chapter('switching transports', (gateway) => {
  describe.each(tellingTransportsOf(gateway))('from $name', (from) => {
    test.each(transportsOf(gateway))('FOLLOW-5 a cursor taken here resumes on $name', async (to) => {
      const [room, resume] = [freshRoom(), freshSecret()]
      const first = await from.open(gateway.url, room, { resume })
      for (const data of ['a', 'b']) await say(gateway.url, room, data)
      await first.messages(2)
      await first.close()
      for (const data of ['c', 'd']) await say(gateway.url, room, data)
      const second = await to.open(gateway.url, room, { resume, cursor: first.cursor })
      await say(gateway.url, room, 'e')
      expect((await second.messages(3)).map(({ payload }) => payload)).toEqual(['c', 'd', 'e'])
    })
  })

  test('FOLLOW-5, FOLLOW-2 who hops between all of them while messages are published hears each once, in order', async () => {
    const [room, resume] = [freshRoom(), freshSecret()]
    const publisher = await Framed.open(gateway.url, room)
    const legs = [...tellingTransportsOf(gateway).map(followed), looked]
    const heard: ServerEvent[] = []
    let cursor = '0-0'
    let published = 0
    let hops = 0
    const publish = (count: number) => {
      publisher.send(range(count, published).map((data) => ({ op: 'publish', data, echo: false })))
      published += count
    }
    while (heard.length < 400) {
      // Before and during each stay, in lots of changing size, so that a hop meets kept, new and mixed messages.
      if (published < 400) publish(1 + (hops % 5))
      const leg = legs[hops++ % legs.length] as Leg
      const stay = leg(gateway, room, cursor, resume)
      if (published < 400) publish(1 + (hops % 3))
      const { cursor: next, heard: more } = await stay
      cursor = next
      heard.push(...more)
    }
    expect(heard.map(({ data }) => data)).toEqual(range(heard.length))
    expect(hops).toBeGreaterThan(20)
  })
})
