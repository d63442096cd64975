import { expect, it } from 'vitest'
import { Framed, Plain } from '../conformance/clients/websocket.ts'
import { chapter, freshRoom, freshSecret } from '../conformance/suite.ts'

const texts = (messages: { data?: unknown }[]) => messages.map(({ data }) => (data as { text: string }).text)

chapter(
  'the chat example',
  (gateway) => {
    it('greets, names, and passes on what is said', async () => {
      const room = freshRoom()
      const ada = await Framed.open(gateway.url, room, { resume: freshSecret() })
      expect(texts(await ada.messages(1))[0]).toMatch(/^You are guest-/)
      const bob = await Framed.open(gateway.url, room, { resume: freshSecret() })
      expect(texts(await ada.messages(1))[0]).toMatch(/^guest-\S+ has joined$/)
      expect(texts(await bob.messages(1))[0]).toMatch(/^You are guest-/)
      await ada.ask({ op: 'publish', data: { name: 'Ada' } })
      await ada.ask({ op: 'publish', data: { text: 'hello' } })
      expect((await bob.messages(2)).map(({ data }) => data)).toEqual([
        { text: expect.stringMatching(/ is now Ada$/) },
        { name: 'Ada', text: 'hello' },
      ])
    })

    it('refuses what it does not understand, and tells only who said it', async () => {
      const room = freshRoom()
      const ada = await Framed.open(gateway.url, room)
      const bob = await Framed.open(gateway.url, room)
      await bob.messages(1)
      const answer = await ada.ask({ op: 'publish', data: 42 })
      expect(answer).toMatchObject({ type: 'error', code: 'bad_request' })
      await ada.ask({ op: 'publish', data: { text: 'marker' } })
      expect(texts(await bob.messages(1))).toEqual(['marker'])
    })

    it('serves plain connections too', async () => {
      const room = freshRoom()
      const plain = await Plain.open(gateway.url, room)
      const [greeting] = await plain.messages(1)
      expect(JSON.parse(greeting?.payload as string).text).toMatch(/^You are guest-/)
    })
  },
  { app: 'chat' },
)
