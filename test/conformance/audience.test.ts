import { describe, expect, test } from 'vitest'
import { postJson, type Query, say, wholeHistory } from './clients/http.ts'
import { transportsOf } from './clients/index.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway } from './suite.ts'

interface Somebody {
  resume: string
  session: string
}

async function somebody(gateway: Gateway, room: string): Promise<Somebody> {
  const resume = freshSecret()
  const framed = await Framed.open(gateway.url, room, { resume })
  return { resume, session: framed.welcome.session ?? '' }
}

/** Publishes one message for each audience, and a last one for all. */
async function publishAll(gateway: Gateway, room: string, anna: Somebody, ben: Somebody): Promise<void> {
  const publish = (body: object, query: Query = {}) => postJson(gateway.url, room, body, { query })
  const answers = [
    await publish({ data: 'to anna', to: { sessions: [anna.session] } }),
    await publish({ data: 'to ben', to: { sessions: [ben.session] } }),
    await publish({ data: 'to both', to: { sessions: [anna.session, ben.session] } }),
    await publish({ data: 'not anna', except: [anna.session] }),
    await publish({ data: 'not ben', except: [ben.session] }),
    await publish({ data: 'no echo to anna', echo: false }, { resume: anna.resume }),
    await publish({ data: 'to anna but not', to: { sessions: [anna.session] }, except: [anna.session] }),
    await publish({ data: 'to a user who is not here', to: { users: ['nobody'] } }),
  ]
  expect(answers.map(({ http }) => http)).toEqual(answers.map(() => 201))
  await say(gateway.url, room, 'end')
}

const expected = {
  anna: ['to anna', 'to both', 'not ben'],
  ben: ['to ben', 'to both', 'not anna', 'no echo to anna'],
  nobody: ['not anna', 'not ben', 'no echo to anna'],
}

chapter('audience', (gateway) => {
  describe.each(transportsOf(gateway))('$name', (transport) => {
    test.each([
      { manner: 'live', cursor: undefined },
      { manner: 'on a resume', cursor: '0-0' },
    ])('PUB-8 each hears what is for it and nothing else, $manner', async ({ cursor }) => {
      const room = freshRoom()
      const [anna, ben] = [await somebody(gateway, room), await somebody(gateway, room)]
      const open = () =>
        Promise.all([
          transport.open(gateway.url, room, { cursor, resume: anna.resume }),
          transport.open(gateway.url, room, { cursor, resume: ben.resume }),
          transport.open(gateway.url, room, { cursor }),
        ])
      const live = cursor === undefined ? await open() : undefined
      await publishAll(gateway, room, anna, ben)
      const [toAnna, toBen, toNobody] = live ?? (await open())
      expect(await toAnna.payloadsUntil('end')).toEqual(expected.anna)
      expect(await toBen.payloadsUntil('end')).toEqual(expected.ben)
      expect(await toNobody.payloadsUntil('end')).toEqual(expected.nobody)
    })
  })

  test('PUB-8 history shows each what is for it, over HTTP with resume and framed', async () => {
    const room = freshRoom()
    const [anna, ben] = [await somebody(gateway, room), await somebody(gateway, room)]
    await publishAll(gateway, room, anna, ben)
    for (const [who, resume] of Object.entries({ anna: anna.resume, ben: ben.resume, nobody: undefined })) {
      const wanted = [...expected[who as keyof typeof expected], 'end']
      expect((await wholeHistory(gateway.url, room, { resume })).map(({ data }) => data)).toEqual(wanted)
      const framed = await Framed.open(gateway.url, room, { resume })
      const { messages } = await framed.ask({ op: 'history' })
      expect(messages?.map(({ data }) => data)).toEqual(wanted)
    }
  })

  test('PUB-8 echo false excepts all connections of the publisher’s session, and no other session', async () => {
    const room = freshRoom()
    const resume = freshSecret()
    // With the publisher's own connection, as many as a session may have (SES-3).
    const readers = transportsOf(gateway).filter(({ name }) => !['framed', 'tcp'].includes(name))
    const own = await Promise.all(readers.map((transport) => transport.open(gateway.url, room, { resume })))
    const other = await Framed.open(gateway.url, room)
    const framed = await Framed.open(gateway.url, room, { resume })
    await framed.ask({ op: 'publish', data: 'quiet', echo: false })
    await framed.ask({ op: 'publish', data: 'quiet too', echo: false, ephemeral: true })
    await say(gateway.url, room, 'end')
    expect(await other.payloadsUntil('end')).toEqual(['quiet', 'quiet too'])
    for (const reader of [...own, framed]) expect(await reader.payloadsUntil('end')).toEqual([])
  })
})
