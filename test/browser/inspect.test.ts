import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { history, postJson, say } from '../conformance/clients/http.ts'
import { API_KEY, LOCKED, token } from '../conformance/clients/tokens.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { targets } from '../targets/index.ts'
import { node } from '../targets/node.ts'
import type { Running } from '../targets/target.ts'
import { launchBrowser } from './launch.ts'
import { Tab } from './tab.ts'

const NARROW = { width: 360, height: 740 }

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

const freshRoom = () => `inspect-${randomUUID()}`

/** The page of an operator who looks at a room, or at none. */
async function inspect(url: string, room = '', setUp = async (_page: Page) => {}): Promise<Tab> {
  const tab = await Tab.blank(browser)
  onTestFinished(() => tab.close())
  await setUp(tab.page)
  await tab.page.goto(`${url}/inspect#${encodeURIComponent(room)}`)
  return tab
}

describe.each(targets)('the inspector on $name', (target) => {
  let gateway: Running
  beforeAll(async () => {
    gateway = await target.start()
  })
  afterAll(() => gateway?.stop())

  const isEdge = target.name === 'workerd'
  const follow = (room: string, query = {}) => Framed.open(gateway.url, room, query)
  const isFollowing = (page: Page) => page.locator('#tail-note', { hasText: 'following' }).waitFor()
  const bodies = (page: Page) => page.locator('#tail .body').allTextContents()

  test('DOC-5 rooms, figures, charts, sessions and tail of a room that is typed in', async () => {
    const room = freshRoom()
    const reader = await follow(room, { presence: 1 })
    await say(gateway.url, room, { text: 'before' })
    const { page, complaints } = await inspect(gateway.url)
    // On the edge nothing is asked for by itself, as each look would wake a room.
    await expect.poll(() => page.locator('#live').isChecked()).toBe(!isEdge)
    expect(await page.locator('#unlisted').isVisible()).toBe(isEdge)
    await page.locator('#name').fill(room)
    await page.locator('#name').press('Enter')
    await isFollowing(page)
    expect(new URL(page.url()).hash).toBe(`#${room}`)
    await expect.poll(() => bodies(page)).toEqual(['{"text":"before"}'])
    await postJson(gateway.url, room, '{"data":[1.0,123456789012345678901],"event":"typed"}')
    await expect.poll(() => bodies(page)).toEqual(['{"text":"before"}', '[1.0,123456789012345678901]'])
    // Two looks make one point, and two points a line.
    for (let looks = 2; looks <= 3; looks++) {
      const looked = page.waitForResponse(`${gateway.url}/v1/rooms/${room}`)
      await page.locator('#look').click()
      await looked
    }
    // Pixels of the colour that the legend says: a line, and not its axes alone.
    const isDrawn = `[...document.querySelectorAll('.plot')].map((plot) => {
      const [, r, g, b] = getComputedStyle(document.querySelector('.legend span'), '::before').backgroundColor.match(/(\\d+), (\\d+), (\\d+)/)
      const canvas = plot.querySelector('canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      return data.some((_, i) => i % 4 === 0 && data[i] === +r && data[i + 1] === +g && data[i + 2] === +b)
    })`
    await expect.poll(() => page.evaluate(isDrawn)).toEqual([true, true])
    await expect.poll(() => page.locator('#figures').textContent()).toMatch(/Messages2.*Connections21 websocket, 1 sse/)
    const row = page.locator(`tr[data-session="${reader.welcome.session}"]`)
    expect(await row.textContent()).toMatch(/websocket, present.*0 B0/)
    await expect.poll(() => page.locator(`#list [data-room="${room}"]`).textContent()).toContain('2 connections')
    const plot = page.locator('.plot').first()
    expect(await plot.getAttribute('aria-label')).toMatch(/^Traffic, a second: messages \S+, deliveries \S+; most/)
    // Live, it looks by itself.
    await page.locator('#live').check()
    await say(gateway.url, room, 'more')
    await expect.poll(() => page.locator('#figures').textContent()).toMatch(/Messages3/)
    await plot.focus()
    await plot.press('ArrowLeft')
    expect(await page.locator('.legend time').first().textContent()).toMatch(/^\d\d:\d\d:\d\d$/)
    expect(complaints).toEqual([])
  })

  test('DOC-5 what a room says is shown as text, whatever it looks like', async () => {
    const room = freshRoom()
    const evil = '<img src=x onerror="window.isStrange=1"><script>window.isStrange=1</script>'
    const reader = await follow(room, { presence: 1 })
    await reader.ask({ op: 'presence', state: evil })
    await postJson(gateway.url, room, { data: evil })
    await postJson(gateway.url, room, { data: { [evil]: '\u202e' } })
    const { page, complaints } = await inspect(gateway.url, room)
    await expect.poll(() => bodies(page)).toEqual([evil, JSON.stringify({ [evil]: '\u202e' })])
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.evaluate('"isStrange" in window')).toBe(false)
    expect(complaints).toEqual([])
  })

  test('DOC-5 sends after a yes: to everyone as it was typed, and to one', async () => {
    const room = freshRoom()
    const [one, other] = [await follow(room), await follow(room)]
    const { page } = await inspect(gateway.url, room)
    await isFollowing(page)
    await page.locator('#data').fill('{"n":1.0}')
    await page.locator('#event').fill('greeting')
    await page.locator('#say button').click()
    await page.locator('#ask-no').click()
    await page.locator('#say button').click()
    expect(await page.locator('#ask-text').textContent()).toContain(`To everyone in ${room}`)
    await page.locator('#ask-yes').click()
    await page.locator('#said', { hasText: 'Sent' }).waitFor()
    expect(await one.messages(1)).toMatchObject([{ event: 'greeting', data: { n: 1 } }])
    expect((await history(gateway.url, room)).messages).toHaveLength(1)
    expect(await bodies(page)).toEqual(['{"n":1.0}'])

    await page.locator(`tr[data-session="${one.welcome.session}"]`).getByRole('button', { name: 'Send' }).click()
    await page.locator('#data').fill('only you')
    await page.locator('#ephemeral').check()
    await page.locator('#say button').click()
    await page.locator('#ask-yes').click()
    expect(await one.messages(1)).toMatchObject([{ data: 'only you' }])
    await say(gateway.url, room, 'for all')
    expect((await other.messages(2)).map(({ data }) => data)).toEqual([{ n: 1 }, 'for all'])
  })

  test('DOC-5 disconnects a session after a yes, and not after a no', async () => {
    const room = freshRoom()
    const [goes, stays] = [await follow(room), await follow(room)]
    const { page } = await inspect(gateway.url, room)
    const button = page
      .locator(`tr[data-session="${goes.welcome.session}"]`)
      .getByRole('button', { name: 'Disconnect' })
    await button.click()
    await page.keyboard.press('Escape')
    await button.click()
    expect(await page.locator('#ask-text').textContent()).toContain(goes.welcome.session)
    await page.locator('#ask-yes').click()
    expect(await goes.closed).toMatchObject({ code: 4506 })
    await button.waitFor({ state: 'detached' })
    await say(gateway.url, room, 'still here')
    expect(await stays.messages(1)).toMatchObject([{ data: 'still here' }])
  })

  test('DOC-5 says whether the room slept', async () => {
    const room = freshRoom()
    await follow(room)
    const { page } = await inspect(gateway.url, room)
    await isFollowing(page)
    const state = page.locator('#state')
    if (!isEdge) {
      expect(await state.textContent()).toMatch(/^in memory for/)
      return
    }
    await gateway.evict?.(room, 'hibernate')
    await page.locator('#look').click()
    await expect.poll(() => state.textContent()).toMatch(/^slept since the last look, woke \d s ago$/)
    // The tail was there all the while.
    await say(gateway.url, room, 'after')
    await expect.poll(() => bodies(page)).toEqual(['after'])
    await page.locator('#look').click()
    await expect.poll(() => state.textContent()).toMatch(/^awake for/)
  })

  test('DOC-5 by keys alone, on a narrow screen, in the dark', async () => {
    const [room, name] = [freshRoom(), `inspect-${'long'.repeat(20)}`]
    await follow(room)
    await say(gateway.url, name, 'x'.repeat(3000))
    const { page, complaints } = await inspect(gateway.url, room, async (page) => {
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
      await page.setViewportSize(NARROW)
    })
    await isFollowing(page)
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.dataset.room')
    await page.keyboard.press('?')
    expect(await page.locator('#keys').isVisible()).toBe(true)
    await page.keyboard.press('/')
    await page.keyboard.press('Escape')
    expect(await page.locator('#keys').isVisible()).toBe(false)
    await page.keyboard.press('/')
    expect(await focused()).toBe('name')
    await page.keyboard.type(`${name}\n`)
    await page.locator('#room-name', { hasText: name }).waitFor()
    await isFollowing(page)
    await expect.poll(async () => (await bodies(page))[0]?.endsWith('… (3,000 characters)')).toBe(true)
    await page.locator('#name').evaluate((field: { blur(): void }) => field.blur())
    await page.keyboard.press('j')
    expect(await focused()).toMatch(/^inspect-/)
    await page.keyboard.press('p')
    expect(await page.locator('#tail-note').textContent()).toBe('paused')
    await say(gateway.url, name, 'later')
    await page.keyboard.press('p')
    await expect.poll(async () => (await bodies(page)).at(-1)).toBe('later')
    await page.keyboard.press('m')
    expect(await focused()).toBe('data')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(NARROW.width)
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(21, 23, 26)')
    expect(complaints).toEqual([])
  })
})

// It is the same page on both, and who may do what is the conformance suite's to test.
describe.each([node])('the inspector of a locked gateway on $name', (target) => {
  let gateway: Running
  beforeAll(async () => {
    gateway = await target.start({ env: LOCKED })
  })
  afterAll(() => gateway?.stop())

  async function enter(page: Page, key: string): Promise<void> {
    await page.locator('#key').fill(key)
    await page.locator('#enter button').click()
  }

  test('DOC-5 asks for a key, keeps it for the tab, and forgets it when told', async () => {
    const room = freshRoom()
    const { page } = await inspect(gateway.url, room)
    await page.locator('#enter').waitFor()
    expect(await page.locator('#trouble').isVisible()).toBe(false)
    await enter(page, 'not-a-key-of-this-gateway')
    await page.locator('#trouble').waitFor()
    await enter(page, API_KEY)
    await page.locator('#tail-note', { hasText: 'following' }).waitFor()
    expect(await page.locator('#trouble').isVisible()).toBe(false)
    await page.reload()
    await page.locator('#tail-note', { hasText: 'following' }).waitFor()
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(API_KEY)
    await page.locator('#forget').click()
    await page.locator('#enter').waitFor()
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain(API_KEY)
  })

  test('DOC-5 a token shows the rooms that it manages, with their users', async () => {
    const [own, other] = [freshRoom(), freshRoom()]
    const rooms = { [own]: ['manage', 'subscribe'] }
    await Framed.open(gateway.url, own, { token: await token({ sub: '<i>ada</i>' }) })
    await Framed.open(gateway.url, other, { token: await token() })
    const { page } = await inspect(gateway.url)
    await enter(page, await token({ sub: 'operator', rooms }))
    await page.locator('#name').fill(other)
    await page.locator('#name').press('Enter')
    await page.locator('#trouble', { hasText: 'does not grant' }).waitFor()
    await page.locator('#name').fill(own)
    await page.locator('#name').press('Enter')
    await page.locator('#tail-note', { hasText: 'following' }).waitFor()
    expect(await page.locator('td.user').allTextContents()).toContain('<i>ada</i>')
    expect(await page.locator('#list button').count()).toBe(1)
    // It may look and not publish.
    await page.locator('#data').fill('x')
    await page.locator('#say button').click()
    await page.locator('#ask-yes').click()
    await page.locator('#said', { hasText: 'does not grant `publish`' }).waitFor()
  })
})
