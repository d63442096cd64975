import { expect, test } from 'vitest'
import { say } from './clients/http.ts'
import { sessionInfo } from './clients/presence.ts'
import { Framed } from './clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway } from './suite.ts'

/** What the room has announced up to a line of the server's. */
async function announced(gateway: Gateway, room: string, reader: Framed): Promise<string[]> {
  await say(gateway.url, room, { text: 'end' })
  const found: string[] = []
  for (;;) {
    const [message] = await reader.messages(1)
    const { name, text = '' } = (message?.data ?? {}) as { name?: string; text?: string }
    if (name === 'the server' && text === 'end') return found
    found.push(text)
  }
}

chapter(
  'sessions of an application',
  (gateway) => {
    const deaths = [
      { name: 'the death of the process', die: () => gateway.running.crash() },
      ...(gateway.target.name === 'node'
        ? []
        : [
            { name: 'a sleep', die: (room: string) => gateway.running.evict?.(room, 'hibernate') },
            { name: 'the loss of all its sockets', die: (room: string) => gateway.running.evict?.(room, 'close') },
          ]),
    ]

    test.each(deaths)('SES-4 with onOpen or onClose all sessions outlive $name, present or not', async ({ die }) => {
      const [room, ada, bob] = [freshRoom(), freshSecret(), freshSecret()]
      const first = await Framed.open(gateway.url, room, { resume: ada })
      await Framed.open(gateway.url, room, { resume: bob })
      await say(gateway.url, room, { text: 'end' })
      await die(room)
      const again = await Framed.open(gateway.url, room, { resume: ada })
      await Framed.open(gateway.url, room, { resume: bob })
      expect(await announced(gateway, room, again)).toEqual([])
      expect(await sessionInfo(gateway.url, room, `${first.welcome.session}`)).toMatchObject({ present: false })
      await Framed.open(gateway.url, room)
      expect(await announced(gateway, room, again)).toEqual([expect.stringMatching(/^guest-\S+ has joined$/)])
    })
  },
  { app: 'chat' },
)
