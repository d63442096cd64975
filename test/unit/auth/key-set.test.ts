import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Tokens } from '../../../src/auth/tokens.ts'
import { keys } from '../../conformance/clients/tokens.ts'

const [first, second] = [await keys('RS256'), await keys('ES256')]
const served = (...pairs: { jwk: object; kid: string }[]) =>
  JSON.stringify({ keys: pairs.map(({ jwk, kid }) => ({ ...jwk, kid })) })
const one = served({ ...first, kid: 'one' })
const both = served({ ...first, kid: 'one' }, { ...second, kid: 'two' })

let respond: (response: ServerResponse) => void
let asked = 0
const server = createServer((_, response) => {
  asked++
  respond(response)
})
const says = (text: string, status = 200) => {
  respond = (response) => void response.writeHead(status).end(text)
}
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

/** Only the clock is not the system's: what is fetched comes over a real socket. */
beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => vi.useRealTimers())
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

const start = (said: string) => {
  says(said)
  asked = 0
  return new Tokens({ jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys` })
}
const enter = async (tokens: Tokens, pair: typeof first, kid: string): Promise<string> => {
  try {
    return `${(await tokens.verify(await pair.sign({}, { kid }))).grants.user}`
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('AUTH-5 keys at a URL', () => {
  it('are fetched anew for one that is not known, and at most every 6 seconds', async () => {
    const tokens = start(one)
    expect(await enter(tokens, first, 'one')).toBe('ada')
    says(both)
    expect(await enter(tokens, second, 'two')).toBe('unauthorized')
    expect(asked).toBe(1)
    pass(5)
    expect(await enter(tokens, second, 'two')).toBe('unauthorized')
    pass(2)
    expect(await enter(tokens, second, 'two')).toBe('ada')
    for (let i = 0; i < 20; i++) expect(await enter(tokens, second, `unknown${i}`)).toBe('unauthorized')
    expect(asked).toBe(2)
  })

  it('that were taken away are not good any more after ten minutes', async () => {
    const tokens = start(both)
    expect(await enter(tokens, first, 'one')).toBe('ada')
    says(served({ ...second, kid: 'two' }))
    pass(11 * 60)
    expect(await enter(tokens, first, 'one')).toBe('unauthorized')
    expect(await enter(tokens, second, 'two')).toBe('ada')
  })

  const broken: [string, () => void][] = [
    ['answers with a page', () => says('<h1>Down for maintenance</h1>')],
    ['answers with JSON that is no set of keys', () => says('{"keys":{}}')],
    ['answers with null', () => says('null')],
    ['fails', () => says(one, 500)],
    ['points elsewhere', () => { respond = (response) => void response.writeHead(302, { location: '/' }).end() }],
    ['answers too much', () => says(`${one}${' '.repeat(70_000)}`)],
    ['hangs', () => { respond = () => {} }],
    ['begins and hangs', () => { respond = (response) => void response.writeHead(200).write('{') }],
  ] // biome-ignore format: it is read row by row, and a value a line would hide what belongs together
  it.each(broken)('at one that %s serve on for an hour, and nobody is told that a token is bad', async (_, breaks) => {
    const tokens = start(one)
    expect(await enter(tokens, first, 'one')).toBe('ada')
    breaks()
    pass(11 * 60)
    expect(await enter(tokens, first, 'one')).toBe('ada')
    pass(55 * 60)
    expect(await enter(tokens, first, 'one')).toBe('keys')
    says(one)
    pass(6)
    expect(await enter(tokens, first, 'one')).toBe('ada')
  })
})
