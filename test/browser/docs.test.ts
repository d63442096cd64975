import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { documentText } from '../../src/gateway/openapi/document.ts'
import { Document, type Operation } from '../conformance/clients/document.ts'
import { targets } from '../targets/index.ts'
import { shared } from '../targets/shared.ts'
import type { Running } from '../targets/target.ts'
import { launchBrowser } from './launch.ts'
import { Tab } from './tab.ts'

const { operations, components } = new Document(documentText())
const WIDE = { width: 1280, height: 900 }
const NARROW = { width: 400, height: 800 }

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

describe.each(targets)('the reference on $name', (target) => {
  // It is the same page on both: how it behaves in a browser is asked once, what it says and what answers it of each.
  const onNode = target.name === 'node' ? test : () => {}
  let gateway: Running
  beforeAll(async () => {
    gateway = await shared(target)
  })

  async function reference(size = WIDE, hash = ''): Promise<Tab> {
    const tab = await Tab.blank(browser)
    onTestFinished(async () => {
      await tab.close()
      expect(tab.complaints).toEqual([])
    })
    await tab.page.setViewportSize(size)
    await tab.page.goto(`${gateway.url}/docs${hash}`)
    await tab.page.locator('article').first().waitFor()
    return tab
  }

  test('DOC-4 shows every operation and schema of the document, and complains of nothing', async () => {
    const { page } = await reference()
    const shown = await page.locator('article').evaluateAll((all) => all.map(({ id }) => id))
    const documented = operations.map(({ operationId }) => operationId)
    const schemas = Object.keys(components.schemas).map((name) => `schema-${name}`)
    expect(shown.sort()).toEqual([...documented, ...schemas].sort())
    const targets = await page
      .locator('a[href^="#"]')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')))
    for (const hash of new Set(targets)) expect(await page.locator(hash as string).count(), `${hash}`).toBe(1)
  })

  test('DOC-4 its commands do what stands beside them', async () => {
    const { page } = await reference()
    const { operationId } = operations.find(
      ({ path, method }) => method === 'POST' && /messages$/.test(path),
    ) as Operation
    const article = page.locator(`#${operationId}`)
    for (const [name, status] of [
      ['json', 201],
      ['once', 201],
      ['again', 200],
      ['ephemeral', 202],
    ] as const) {
      await article.locator('select').selectOption(name)
      expect(await article.locator('.bar span').textContent()).toBe(`Answer: ${status}`)
      const command = await article.locator('.example code').textContent()
      const { stdout } = await promisify(execFile)('bash', ['-c', `${command} -w '\n%{http_code}'`])
      expect(stdout.split('\n').at(-1), stdout).toBe(`${status}`)
      const shown = JSON.parse((await article.locator('.example pre').last().textContent()) ?? '') as object
      expect(Object.keys(JSON.parse(stdout.split('\n')[0] as string) as object)).toEqual(Object.keys(shown))
    }
  })

  onNode('DOC-4 a command can be copied, and a link leads to what it names', async () => {
    const { page } = await reference(WIDE, '#history')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await expect.poll(() => page.locator('nav [aria-current]').getAttribute('href')).toBe('#history')
    const article = page.locator('#history')
    await article.getByRole('button', { name: 'Copy' }).click()
    await article.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toBe(await article.locator('.example code').textContent())
  })

  onNode('DOC-4 on a narrow screen nothing is cut off, and the contents fold', async () => {
    const { page } = await reference(NARROW)
    const width = () => page.evaluate('document.documentElement.scrollWidth')
    expect(await width()).toBeLessThanOrEqual(NARROW.width)
    const link = page.locator('nav a[href="#revoke"]')
    expect(await link.isVisible()).toBe(false)
    await page.getByText('Contents').click()
    await link.click()
    expect(await link.isVisible()).toBe(false)
    await expect
      .poll(() => page.locator('#revoke').evaluate((it) => Math.abs(it.getBoundingClientRect().top)))
      .toBeLessThan(60)
  })

  onNode('DOC-4 the keyboard reaches all of it, past the contents', async () => {
    const { page } = await reference()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const focused = () => page.evaluate('document.activeElement?.closest("article, main")?.id')
    expect(await focused()).toBe('main')
    const seen = new Set<unknown>()
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      seen.add(await focused())
    }
    expect([...seen]).toContain(operations[0]?.operationId)
  })

  test.each(['/', '/docs', '/inspect'])('DOC-4 %s lets no script run but its own', async (path) => {
    const policy = (await fetch(gateway.url + path)).headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; connect-src 'self';/)
    const tab = await Tab.blank(browser)
    onTestFinished(() => tab.close())
    await tab.page.goto(gateway.url + path)
    const inject = `const script = document.createElement('script')
      script.textContent = 'window.isStrange = true'
      document.body.append(script)
      'isStrange' in window`
    expect(await tab.page.evaluate(inject)).toBe(false)
    expect(tab.complaints.join()).toContain('Content Security Policy')
  })
})
