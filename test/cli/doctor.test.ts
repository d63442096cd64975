import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type Faults, Meddler } from '../client/meddler.ts'
import { API_KEY, LOCKED, token } from '../conformance/clients/tokens.ts'
import { Random } from '../random.ts'
import { node } from '../targets/node.ts'
import { shared } from '../targets/shared.ts'
import type { Running } from '../targets/target.ts'
import { type Ended, holdline } from './run.ts'

let open: Running
let locked: Running
beforeAll(async () => {
  ;[open, locked] = await Promise.all([
    shared(node),
    node.start({ env: { ...LOCKED, HOLDLINE_ORIGINS: 'https://app.example.com' } }),
  ])
})
afterAll(() => locked.stop())

/** What it says through a proxy with these faults. */
async function through(faults: Faults, args: readonly string[] = [], env: Record<string, string> = {}, to = open) {
  const proxy = await Meddler.start(to.url, faults, new Random(1))
  onTestFinished(() => proxy.stop())
  return read(await holdline(['doctor', '--json', ...args], { HOLDLINE_URL: proxy.url, ...env }))
}

interface Finding {
  check: string
  verdict: string
  found: string
  advice?: string
}

function read({ code, out, err }: Ended) {
  const findings = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Finding]))
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong')
  return {
    code,
    err,
    findings,
    wrong: wrong.map(({ check }) => check),
    says: wrong.map(({ found, advice }) => `${found} ${advice}`).join('\n'),
  }
}

it('finds a proxy that refuses upgrades, and one that swallows what comes after', async () => {
  const [refuses, hangs, swallows] = await Promise.all([
    through({ upgrades: 'refuse' }),
    through({ upgrades: 'hang' }),
    through({ upgrades: 'swallow' }),
  ])
  expect([refuses.wrong, hangs.wrong, swallows.wrong]).toEqual([['websocket'], ['websocket'], ['websocket']])
  expect([refuses.code, hangs.code, swallows.code]).toEqual([1, 1, 1])
  expect(refuses.says).toMatch(/answered the upgrade with 403 .*proxy_set_header Upgrade/)
  expect(hangs.says).toMatch(/no upgrade: Opening handshake has timed out/)
  expect(swallows.says).toMatch(/opened, and then no event in 4 s/)
})

it('finds a proxy that holds streams back', async () => {
  const { wrong, says, err } = await through({ streams: 'hold' })
  expect([wrong, says]).toEqual([
    ['sse'],
    expect.stringMatching(/headers came, but no event in 4 s .*proxy_buffering off/),
  ])
  expect(err).toMatch(/1 thing is wrong/)
})

it('finds a proxy that cuts what is held: at once if it is early, with --slow if it is late', async () => {
  const [early, late] = await Promise.all([through({ patience: 1000 }), through({ patience: 3000 }, ['--slow'])])
  expect(early.wrong).toEqual(['poll'])
  expect(early.says).toMatch(/held for 2 s, cut after [1-9] s: .*504 .*proxy_read_timeout/)
  expect(late.wrong).toEqual(['websocket', 'sse', 'poll'])
  expect(late.says).toMatch(/cut after [1-9] s of silence/)
  expect(late.says).toMatch(/no comment in [1-9] s/)
  expect(late.says).toMatch(/held for 25 s, cut after [3-9] s/)
})

it('finds headers that do not arrive, and clocks that differ', async () => {
  const [headers, clock] = await Promise.all([
    through({ strips: ['authorization', 'last-event-id'] }, [], { HOLDLINE_TOKEN: API_KEY }, locked),
    through({ strips: ['last-event-id'], ahead: 60_000 }),
  ])
  expect([headers.wrong, headers.says]).toEqual([
    ['access'],
    expect.stringContaining('the Authorization header does not arrive'),
  ])
  expect(clock.wrong).toEqual(['clock', 'headers'])
  // A second is what the header tells time by, and an answer takes its own.
  expect(clock.says).toMatch(/\b(59|6\d) s ahead of this machine's/)
})

it('finds a gateway that is somewhere else, or none', async () => {
  const [bad, nobody] = await Promise.all([
    through({ badGateway: 1 }),
    holdline(['doctor', '--json'], { HOLDLINE_URL: 'http://127.0.0.1:2' }).then(read),
  ])
  expect([bad.wrong, bad.says]).toEqual([['reach'], expect.stringMatching(/answered 502, and it is no Holdline/)])
  expect([nobody.wrong, nobody.says]).toEqual([['reach'], expect.stringContaining('ECONNREFUSED')])
})

it('finds tokens that open nothing, and pages that may not come', async () => {
  const env = { HOLDLINE_URL: locked.url }
  const mine = await token({ rooms: { mine: ['subscribe'] } })
  const doctor = async (args: readonly string[], more: Record<string, string>) =>
    read(await holdline(['doctor', '--json', ...args], { ...env, ...more }))
  const [none, other, right, page, stranger] = await Promise.all([
    doctor([], {}),
    doctor([], { HOLDLINE_TOKEN: mine }),
    doctor(['--room', 'mine'], { HOLDLINE_TOKEN: mine }),
    doctor(['--room', 'mine', '--origin', 'https://app.example.com'], { HOLDLINE_TOKEN: mine }),
    doctor(['--origin', 'https://evil.example'], { HOLDLINE_TOKEN: mine }),
  ])
  expect(none.says).toContain('Give a token')
  expect(other.says).toContain('Name a room that the token opens with --room')
  expect([right.code, right.says]).toEqual([0, ''])
  expect([page.code, page.findings.find(({ check }) => check === 'origin')?.verdict]).toEqual([0, 'ok'])
  expect(stranger.says).toContain('HOLDLINE_ORIGINS')
})

it('checks the settings of its environment', async () => {
  const env = { HOLDLINE_URL: open.url, HOLDLINE_RATES: '5', HOLDLINE_JWT_SECRET: 'hunter2' }
  const { wrong, says } = read(await holdline(['doctor', '--config', '--json'], env))
  expect(wrong).toEqual(['settings', 'settings'])
  expect(says).toContain('did you mean HOLDLINE_RATE?')
  expect(says).not.toContain('hunter2')
})
