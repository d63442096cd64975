import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'

export type Transport = 'websocket' | 'sse' | 'poll'

export interface Shown {
  text: string
  mine: boolean
  cursor: string
}

/** One tab with the page in it, used as a person would: by what stands on it. */
export class Tab {
  readonly page: Page
  /** What the browser complained about: exceptions, refused requests, violations of the content security policy. */
  readonly complaints: string[] = []
  readonly #context: BrowserContext

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context
    this.page = page
    page.setDefaultTimeout(30_000)
    page.on('pageerror', (error) => this.complaints.push(String(error)))
    page.on('console', (line) => {
      if (line.type() === 'error' || line.type() === 'warning') this.complaints.push(line.text())
    })
  }

  /** A context of its own, so that two tabs are two people: nothing is shared but the room. */
  static async blank(browser: Browser): Promise<Tab> {
    const context = await browser.newContext()
    return new Tab(context, await context.newPage())
  }

  /** `script` runs before the page's own. */
  static async open(browser: Browser, url: string, room: string, transport: Transport, script = ''): Promise<Tab> {
    const tab = await Tab.blank(browser)
    await tab.page.addInitScript(script)
    await tab.page.goto(`${url}/?${new URLSearchParams({ room, transport })}`)
    await tab.reaches('open')
    return tab
  }

  async close(): Promise<void> {
    await this.#context.close()
  }

  async reaches(state: 'connecting' | 'open' | 'waiting' | 'closed'): Promise<void> {
    await this.page.locator(`body[data-state=${state}]`).waitFor()
  }

  async say(text: string): Promise<void> {
    await this.page.locator('#text').fill(text)
    await this.page.locator('#text').press('Enter')
  }

  /** Waits until the room has all that was said here. */
  async isHeard(): Promise<void> {
    await expect.poll(() => this.page.locator('.message:not([data-cursor])').count()).toBe(0)
  }

  async choose(transport: Transport): Promise<void> {
    await this.page.locator(`#transports label:has([value=${transport}])`).click()
  }

  /** The messages as they stand on the page, without those that the room does not have yet. */
  shown(): Promise<Shown[]> {
    return this.page.locator('.message[data-cursor]').evaluateAll((rows) =>
      rows.map((row) => ({
        text: row.querySelector('.body')?.textContent ?? '',
        mine: row.getAttribute('data-mine') === 'true',
        cursor: row.getAttribute('data-cursor') ?? '',
      })),
    )
  }

  async texts(): Promise<string[]> {
    return (await this.shown()).map(({ text }) => text)
  }

  /** Waits for the last of them only: what stands before it then must be complete, for nothing comes out of order. */
  async showsExactly(texts: string[]): Promise<void> {
    await this.showsLast(texts.at(-1) ?? '')
    expect(await this.texts()).toEqual(texts)
  }

  async showsLast(text: string): Promise<void> {
    await expect.poll(async () => (await this.texts()).at(-1), { interval: 20 }).toBe(text)
  }

  async cursor(): Promise<string> {
    return (await this.page.locator('#cursor').textContent()) ?? ''
  }
}
