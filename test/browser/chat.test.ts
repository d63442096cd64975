import { randomUUID } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { targets } from '../targets/index.ts'
import { node } from '../targets/node.ts'
import { shared } from '../targets/shared.ts'
import type { Running } from '../targets/target.ts'
import { launchBrowser } from './launch.ts'
import { Tab, type Transport } from './tab.ts'

const TRANSPORTS: Transport[] = ['websocket', 'sse', 'poll']
const NAMES = { websocket: 'WebSocket', sse: 'SSE', poll: 'long-poll' }

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

describe.each(targets)('the page on $name', (target) => {
  // The page is the same text on both, and what it asks of a gateway the conformance suite asks of both.
  const onNode = target.name === 'node' ? test : () => {}
  let gateway: Running
  beforeAll(async () => {
    gateway = await shared(target)
  })

  const freshRoom = () => `page-${randomUUID()}`

  async function tab(room: string, transport: Transport, script = ''): Promise<Tab> {
    const opened = await Tab.open(browser, gateway.url, room, transport, script)
    onTestFinished(() => opened.close())
    return opened
  }

  async function publish(room: string, body: object): Promise<string> {
    const response = await fetch(`${gateway.url}/v1/rooms/${room}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as { cursor: string }
    expect(response.status, JSON.stringify(answer)).toBe(201)
    return answer.cursor
  }

  const text = (words: string) => ({ data: { text: words, name: 'test' } })

  test('two tabs chat, one on WebSocket, one on long-poll: all appears in both once, in one order', async () => {
    const room = freshRoom()
    const a = await tab(room, 'websocket')
    const b = await tab(room, 'poll')
    await expect.poll(() => a.page.locator('#empty').isVisible()).toBe(true)
    expect(await a.page.locator('#curl').textContent()).toContain(`${gateway.url}/v1/rooms/${room}/messages`)

    await a.say('hello from a')
    await b.showsExactly(['hello from a'])
    await b.say('hello from b')
    await a.showsExactly(['hello from a', 'hello from b'])
    await b.showsExactly(['hello from a', 'hello from b'])
    expect((await a.shown()).map(({ mine }) => mine)).toEqual([true, false])
    expect((await b.shown()).map(({ mine }) => mine)).toEqual([false, true])

    await Promise.all(
      [a, b].map(async (one, n) => {
        for (let i = 0; i < 10; i++) await one.say(`${n}-${i}`)
      }),
    )
    for (const one of [a, b]) await one.isHeard()
    const end = await publish(room, text('the end'))
    await a.showsLast('the end')
    await b.showsLast('the end')
    const seen = await a.shown()
    expect(seen).toHaveLength(23)
    for (const n of [0, 1]) {
      const own = seen.map(({ text }) => text).filter((words) => words.startsWith(`${n}-`))
      expect(own).toEqual(Array.from({ length: 10 }, (_, i) => `${n}-${i}`))
    }
    expect((await b.shown()).map(({ text, cursor }) => ({ text, cursor }))).toEqual(
      seen.map(({ text, cursor }) => ({ text, cursor })),
    )
    const cursors = seen.map(({ cursor }) => cursor)
    expect(cursors).toEqual([...new Set(cursors)].sort())

    expect(cursors.at(-1)).toBe(end)
    expect(await a.cursor()).toBe(end)
    await expect.poll(() => b.cursor()).toBe(end)
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })

  test.each(TRANSPORTS)(
    'who comes into a room where much was said is connected by %s, and said to be so',
    async (transport) => {
      const room = freshRoom()
      for (let i = 0; i < 20; i++) await publish(room, text(`said before ${i}`))
      const a = await tab(room, transport)
      await a.showsLast('said before 19')
      await expect.poll(() => a.page.locator('#state').textContent()).toBe(`By ${NAMES[transport]}`)
    },
  )

  test('a tab that switches transport while others talk neither loses nor repeats, and stays the same session', async () => {
    const room = freshRoom()
    const speaker = await tab(room, 'websocket')
    const listener = await tab(room, 'poll')
    await listener.say('from poll')
    await speaker.showsLast('from poll')

    const said: string[] = []
    const route: Transport[] = ['sse', 'websocket', 'poll', 'sse']
    for (const transport of route) {
      for (let i = 0; i < 5; i++) await publish(room, text(said[said.push(`before ${transport} ${i}`) - 1] as string))
      const talk = (async () => {
        for (let i = 0; i < 15; i++) await publish(room, text(said[said.push(`into ${transport} ${i}`) - 1] as string))
      })()
      await listener.choose(transport)
      await talk
      await listener.reaches('open')
    }
    await listener.say('from sse')
    await speaker.showsExactly(['from poll', ...said, 'from sse'])
    await listener.showsExactly(['from poll', ...said, 'from sse'])
    expect((await listener.shown()).filter(({ mine }) => mine).map(({ text }) => text)).toEqual([
      'from poll',
      'from sse',
    ])
    expect(await listener.cursor()).toBe((await listener.shown()).at(-1)?.cursor)
    expect(await listener.page.locator('.gap').count()).toBe(0)
  })

  onNode('what an abandoned connection still delivers is not taken', async () => {
    const room = freshRoom()
    const deaf = `
      WebSocket.prototype.close = () => {}
      const { fetch } = window
      window.fetch = (address, { signal, ...rest }) => fetch(address, rest)
    `
    const one = await tab(room, 'poll', deaf)
    await publish(room, text('by poll'))
    await one.showsExactly(['by poll'])
    for (const transport of ['websocket', 'poll', 'sse'] as const) {
      await one.choose(transport)
      await one.reaches('open')
      await publish(room, text(`by ${transport}`))
      await one.showsLast(`by ${transport}`)
    }
    await publish(room, text('the end'))
    await one.showsExactly(['by poll', 'by websocket', 'by poll', 'by sse', 'the end'])
  })

  onNode('a newcomer sees the last 50 messages, whichever the transport, and a reload repeats none', async () => {
    const room = freshRoom()
    for (let i = 0; i < 60; i++) await publish(room, text(`old ${i}`))
    const recent = Array.from({ length: 50 }, (_, i) => `old ${i + 10}`)
    const newcomers = TRANSPORTS.map(async (transport) => {
      const one = await tab(room, transport)
      await one.showsExactly(recent)
      await one.page.reload()
      await one.showsExactly(recent)
    })
    await Promise.all(newcomers)
  })

  onNode('what strangers write is shown as text, whatever it is', async () => {
    const room = freshRoom()
    const hostile = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
    const a = await tab(room, 'websocket')
    const b = await tab(room, 'sse')
    await a.page.locator('#name').fill('<b>bold</b>')
    await a.say(hostile)
    // By another way than what follows, which may else come first.
    await b.showsExactly([hostile])
    await publish(room, { data: { text: hostile, name: hostile }, event: 'chat' })
    await publish(room, { data: hostile })
    await publish(room, { data: { [hostile]: [1, null, hostile] } })
    await publish(room, { data: null })
    await publish(room, { bytes: 'AAECAwQ=' })
    await publish(room, { data: { text: '', name: { first: 'Ada' } } })
    await publish(room, { data: '\u202Eright to left \u0000 \uFFFD 👩‍👩‍👧 e\u0301' })
    const shown = [hostile, hostile, hostile, JSON.stringify({ [hostile]: [1, null, hostile] }), 'null', '5 bytes', '']
    for (const one of [a, b]) {
      await one.showsExactly([...shown, '\u202Eright to left \u0000 \uFFFD 👩‍👩‍👧 e\u0301'])
      expect(await one.page.locator('img, #messages script, #messages b b, #events img').count()).toBe(0)
      expect(await one.page.title()).toBe(`${room} · Holdline`)
    }
    expect(await b.page.locator('.message .who b').first().textContent()).toBe('<b>bold</b>')
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })

  onNode('a message that is refused is shown with its error, and the talk goes on', async () => {
    const room = freshRoom()
    for (const transport of TRANSPORTS) {
      const one = await tab(room, transport)
      await one.say('x'.repeat(70_000))
      const failed = one.page.locator('.message[data-state=failed]')
      await failed.getByText('too_large').waitFor()
      await one.say(`small, by ${transport}`)
      await one.showsLast(`small, by ${transport}`)
      await failed.getByRole('button', { name: 'Discard' }).click()
      expect(await failed.count()).toBe(0)
    }
  })

  onNode('a message that never left is sent again by itself; one whose answer was lost is there once', async () => {
    const room = freshRoom()
    const one = await tab(room, 'poll')
    await one.page.route(/\/messages\?/, (route) => route.abort(), { times: 1 })
    await one.say('never left')
    await one.showsExactly(['never left'])
    await one.page.route(
      /\/messages\?/,
      async (route) => {
        await route.fetch()
        await route.abort()
      },
      { times: 1 },
    )
    await one.say('answer lost')
    await one.showsExactly(['never left', 'answer lost'])
    await one.choose('websocket')
    await one.reaches('open')
    await one.say('the end')
    await one.showsExactly(['never left', 'answer lost', 'the end'])
    expect(await one.page.locator('.message').count()).toBe(3)
  })

  onNode('who chooses no transport has the best that gets through', async () => {
    const room = freshRoom()
    const one = await Tab.blank(browser)
    onTestFinished(() => one.close())
    // Taken, and never a word.
    await one.page.routeWebSocket(/\/ws\?/, () => {})
    await one.page.goto(`${gateway.url}/?room=${room}`)
    await one.page.locator('#state', { hasText: 'By SSE' }).waitFor()
    await one.say('got through')
    await one.showsExactly(['got through'])
    expect(await one.page.locator('#people').textContent()).toBe('1 here')
  })

  test('the server dies and comes back: each tab goes on by itself, with what was said meanwhile', {
    timeout: 60_000,
  }, async () => {
    const room = freshRoom()
    const tabs = await Promise.all(TRANSPORTS.map((transport) => tab(room, transport)))
    await publish(room, text('before'))
    for (const one of tabs) await one.showsExactly(['before'])
    await gateway.crash()
    // Each of them may be waiting: what is said now stands on the page at once, and reaches the room later.
    for (const [i, one] of tabs.entries()) await one.say(`after, by ${TRANSPORTS[i]}`)
    const expected = ['before', ...TRANSPORTS.map((transport) => `after, by ${transport}`)]
    for (const one of tabs) {
      await expect.poll(async () => (await one.texts()).toSorted()).toEqual(expected.toSorted())
      expect(await one.texts()).toEqual(await (tabs[0] as Tab).texts())
      expect(await one.page.locator('.message:not([data-cursor]), .gap').count()).toBe(0)
    }
  })

  onNode('a name that no room can have is refused with the reason, and entering another room works', async () => {
    const bad = await Tab.blank(browser)
    onTestFinished(() => bad.close())
    await bad.page.goto(`${gateway.url}/?room=${encodeURIComponent('a room')}`)
    await bad.page.locator('#room-error').getByText('A room’s name').waitFor()
    await bad.reaches('closed')
    const room = freshRoom()
    await publish(room, text('you found it'))
    await bad.page.locator('#room').fill(room)
    await bad.page.locator('#room').press('Enter')
    await bad.showsExactly(['you found it'])
    expect(new URL(bad.page.url()).searchParams.get('room')).toBe(room)
  })

  onNode('a duplicated tab is somebody else', async () => {
    const room = freshRoom()
    const first = await tab(room, 'websocket')
    const secret = await first.page.evaluate("sessionStorage.getItem('holdline.resume')")
    const [copy] = await Promise.all([
      first.page.waitForEvent('popup'),
      // A window that a page opens gets a copy of its sessionStorage, as a duplicated tab does.
      first.page.evaluate('window.open(location.href), undefined'),
    ])
    await copy.locator('body[data-state=open]').waitFor()
    expect(await copy.evaluate("sessionStorage.getItem('holdline.resume')")).not.toBe(secret)
    await first.say('who is it?')
    await copy.locator('.message[data-mine=false]', { hasText: 'who is it?' }).waitFor()
  })
})

describe('the page, against a server that is made up', () => {
  test('a final close is shown with its reason and not come back from; a gap is shown, and moves the cursor', async () => {
    // It serves the page.
    const gateway = await shared(node)
    const tab = await Tab.blank(browser)
    onTestFinished(() => tab.close())
    let opened = 0
    await tab.page.routeWebSocket(/\/ws\?/, (wire) => {
      opened++
      const cursor = new URL(wire.url()).searchParams.get('cursor') ?? '0-0'
      const send = (...events: object[]) => wire.send(JSON.stringify(events))
      const before = { type: 'gap', after: cursor, before: 'abc-17', reason: 'retention' }
      send({ type: 'welcome', room: 'lobby', session: 's', cursor, head: 'abc-18', recovered: false, heartbeat: 30 })
      send({ type: 'unheard-of' }, before)
      if (opened === 1) {
        send({ type: 'closing', code: 4000, reason: 'drain', retryAfter: 0 })
        wire.close({ code: 4000, reason: 'drain' })
      } else {
        expect(cursor).toBe('abc-17')
        send({ type: 'closing', code: 4506, reason: 'disconnected' })
        wire.close({ code: 4506, reason: 'disconnected by hand' })
      }
    })
    await tab.page.goto(`${gateway.url}/`)
    await tab.reaches('closed')
    expect(opened).toBe(2)
    expect(await tab.page.locator('#notice').textContent()).toContain('disconnected by hand')
    expect(await tab.page.locator('.gap').first().textContent()).toBe('some messages could not be recovered: retention')
    expect(await tab.cursor()).toBe('abc-17')
    expect(tab.complaints).toEqual([])
  })
})
