import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { METRICS } from '../../src/node/metrics/definitions.ts'
import { call, postJson, say, url } from '../conformance/clients/http.ts'
import { transports } from '../conformance/clients/index.ts'
import { Framed, socketUrl } from '../conformance/clients/websocket.ts'
import { freshRoom } from '../conformance/suite.ts'
import { node } from '../targets/node.ts'
import { eventually, type Running, root } from '../targets/target.ts'
import { moods, SECRET, TestBackend } from '../webhooks/backend.ts'
import { Scrape } from './scrape.ts'

let gateway: Running
let backend: TestBackend

beforeAll(async () => {
  backend = await TestBackend.start()
  gateway = await node.start({
    env: {
      HOLDLINE_RETENTION: 'short:*=1/1d,*=10000/7d',
      HOLDLINE_WEBHOOK_URL: backend.url,
      HOLDLINE_WEBHOOK_SECRET: SECRET,
      HOLDLINE_WEBHOOK_PRIVATE: '1',
      HOLDLINE_WEBHOOK_ROOMS: 'told:*',
      HOLDLINE_WEBHOOK_EVENTS: 'message',
      HOLDLINE_WEBHOOK_WAITING: '1',
      HOLDLINE_ASK_CONNECT: 'asked:*',
    },
  })
})
afterAll(async () => {
  await gateway.stop()
  await backend.stop()
})

/** By how much a metric has grown since. */
async function growth(name: string, labels: Record<string, string>, act: () => Promise<unknown>): Promise<number> {
  const before = (await Scrape.of(gateway.url)).value(name, labels)
  await act()
  return (await Scrape.of(gateway.url)).value(name, labels) - before
}

it('OPS-5 what is scraped is what the definitions say, and all of it', async () => {
  const { families } = await Scrape.of(gateway.url)
  const own = families.filter(({ name }) => name.startsWith('holdline_'))
  expect(own.map(({ name, type, help }) => [name, type.toLowerCase(), help])).toEqual(
    METRICS.map(({ name, type, says }) => [name, type, says]),
  )
  const theirs = families.map(({ name }) => name).filter((name) => !name.startsWith('holdline_'))
  expect(theirs).toEqual(expect.arrayContaining(['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']))
  expect(theirs.filter((name) => !/^(process|nodejs)_/.test(name))).toEqual([])
})

it.each(METRICS)('OPS-5 $name is named as promtool wants it', ({ name, type, says, labels }) => {
  expect(name).toMatch(/^holdline_[a-z]+(_[a-z]+)*$/)
  expect(name.endsWith('_total')).toBe(type === 'counter')
  expect(name).not.toMatch(/_(count|sum|bucket|gauge|counter|histogram)$|milliseconds|kilobytes|minutes/)
  if (type === 'histogram') expect(name).toMatch(/_(seconds|bytes)$/)
  expect(says).toMatch(/^[A-Z][^\n]+[.]$/)
  expect(Object.keys(labels).filter((label) => !/^[a-z]+$/.test(label))).toEqual([])
  expect(Object.keys(labels).filter((label) => /room|user|session|address|job|instance/.test(label))).toEqual([])
})

it('OPS-5 messages are counted when they are committed, and once for each who gets them', async () => {
  const room = freshRoom()
  const readers = await Promise.all([...transports, ...transports].map(({ open }) => open(gateway.url, room)))
  const publishing = async () => {
    await say(gateway.url, room, 'one')
    for (const reader of readers) await reader.messages(1)
  }
  expect(await growth('holdline_deliveries_total', {}, publishing)).toBe(readers.length)
  expect(await growth('holdline_messages_published_total', { kind: 'logged' }, publishing)).toBe(1)
  const passing = () => postJson(gateway.url, room, { data: 1, ephemeral: true })
  expect(await growth('holdline_messages_published_total', { kind: 'ephemeral' }, passing)).toBe(1)
  const refused = () => postJson(gateway.url, room, { nonsense: 1 })
  expect(await growth('holdline_messages_published_total', { kind: 'logged' }, refused)).toBe(0)
  for (const name of ['publish', 'commit', 'fanout']) {
    expect(await growth(`holdline_${name}_seconds`, {}, () => say(gateway.url, room, 'x'))).toBeGreaterThan(0)
  }
  for (const reader of readers) await reader.close()
})

it('OPS-5 connections are counted by transport while they last, and how they were closed', async () => {
  const room = freshRoom()
  const one = await Framed.open(gateway.url, room)
  const count = async () => (await Scrape.of(gateway.url)).value('holdline_connections', { transport: 'websocket' })
  const before = await count()
  const opened = { transport: 'websocket' }
  const open = async () => {
    const two = await Framed.open(gateway.url, room)
    expect(await count()).toBe(before + 1)
    await two.close()
  }
  expect(await growth('holdline_connections_opened_total', opened, open)).toBe(1)
  await eventually('it is gone', async () => (await count()) === before)
  const { session } = one.welcome as { session: string }
  const disconnect = () => call(url(gateway.url, room, `/sessions/${session}`), { method: 'DELETE' })
  expect(await growth('holdline_closes_total', { code: '4506' }, disconnect)).toBe(1)
})

it('OPS-5 who comes back with a cursor is counted by what became of it', async () => {
  const room = `short:${freshRoom()}`
  const cursor = await say(gateway.url, room, 0)
  const back = (at: string) => async () => (await Framed.open(gateway.url, room, { cursor: at })).close()
  expect(await growth('holdline_recoveries_total', { outcome: 'recovered' }, back(cursor))).toBe(1)
  expect(await growth('holdline_recoveries_total', { outcome: 'gap_epoch' }, back('0zzzzzzzzzzzzzz-15'))).toBe(1)
  const poll = () => call(url(gateway.url, room, '/poll', { cursor, wait: 0 }))
  expect(await growth('holdline_recoveries_total', { outcome: 'recovered' }, poll)).toBe(0)
})

it('OPS-5 requests are counted by their route and not by what they name', async () => {
  const route = '/v1/rooms/:room/messages'
  const two = async () => {
    await say(gateway.url, freshRoom(), 1)
    await say(gateway.url, freshRoom(), 1)
  }
  expect(await growth('holdline_http_requests_total', { route, status: '201' }, two)).toBe(2)
  const lost = () => call(`${gateway.url}/v1/${freshRoom()}`)
  expect(await growth('holdline_http_requests_total', { route: 'none', status: '404' }, lost)).toBe(1)
  const socket = async () => (await Framed.open(gateway.url, freshRoom())).close()
  const upgraded = { route: '/v1/rooms/:room/ws', status: '101' }
  expect(await growth('holdline_http_requests_total', upgraded, socket)).toBe(1)
  const { families } = await Scrape.of(gateway.url)
  expect(JSON.stringify(families)).not.toContain('room-')
})

it('OPS-5 what the backend takes, what it does not, what waits and what is given up are counted', async () => {
  const room = `told:${freshRoom()}`
  const attempts = 'holdline_webhook_attempts_total'
  const told = async () => {
    await say(gateway.url, room, 1)
    await backend.hears(room, 1)
    await eventually(
      'it is counted',
      async () => (await Scrape.of(gateway.url)).value('holdline_webhook_waiting') === 0,
    )
  }
  expect(await growth(attempts, { outcome: 'taken' }, told)).toBe(1)
  backend.mood = moods.fails
  const lost = async () => {
    for (const data of [1, 2, 3]) await say(gateway.url, room, data)
    await eventually(
      'they are dead',
      async () => (await Scrape.of(gateway.url)).value('holdline_webhook_dead_total') >= 2,
    )
  }
  expect(await growth(attempts, { outcome: 'failed' }, lost)).toBeGreaterThan(0)
  const scrape = await Scrape.of(gateway.url)
  expect(scrape.value('holdline_webhook_waiting')).toBe(1)
  expect(scrape.value('holdline_errors_total')).toBeGreaterThan(0)
  const ask = () => call(url(gateway.url, `asked:${freshRoom()}`, '/poll'))
  expect(await growth('holdline_questions_total', { outcome: 'failed' }, ask)).toBe(1)
  backend.mood = moods.takes
})

it('OPS-5 a handshake that is taken only to be refused counts as closed', async () => {
  const closed = async () => {
    const socket = new WebSocket(socketUrl(gateway.url, freshRoom(), { cursor: 'malformed!' }), 'holdline.v1')
    await new Promise((resolve) => socket.addEventListener('close', resolve))
  }
  expect(await growth('holdline_closes_total', { code: '4500' }, closed)).toBe(1)
})

/** Each metric of a query, with the labels that are asked of it. */
function* asked(query: string): Generator<[name: string, labels: readonly string[]]> {
  const by = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/, */))
  for (const [, name = '', matchers = ''] of query.matchAll(/\b(holdline_\w+)(?:\{([^}]*)\})?/g)) {
    yield [name, [...by, ...Array.from(matchers.matchAll(/(\w+)[=!~]+"/g), ([, label = '']) => label)]]
  }
}

it('OPS-5 each label is what the definitions say, and what the dashboard and the alerts ask for is there', async () => {
  const told = new Map<string, ReadonlySet<string>>()
  const { families } = await Scrape.of(gateway.url)
  for (const { name, labels } of METRICS) {
    const samples = families.find((family) => family.name === name)?.metrics ?? []
    // What this file has not made happen yet has no labels to look at.
    for (const sample of samples) {
      const names = 'value' in sample ? Object.keys(sample.labels ?? {}) : []
      expect([name, names]).toEqual([name, Object.keys(labels)])
    }
    told.set(name, new Set([...Object.keys(labels), 'instance']))
    for (const of of ['bucket', 'sum', 'count']) told.set(`${name}_${of}`, new Set(['le', 'instance']))
  }
  const dashboard = JSON.parse(readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8'))
  const panels = dashboard.panels.flatMap(({ targets = [] }: { targets?: { expr: string }[] }) => targets)
  const alerts = readFileSync(join(root, 'docs/operations.md'), 'utf8').match(/`[^`]*holdline_[^`]*`/g) ?? []
  const queries = [...panels.map(({ expr }: { expr: string }) => expr), ...alerts]
  expect(queries.length).toBeGreaterThan(METRICS.length)
  for (const query of queries) {
    for (const [name, labels] of asked(query)) {
      expect([query, labels.filter((label) => !told.get(name)?.has(label))]).toEqual([query, []])
    }
  }
})
