import { Webhook } from 'standardwebhooks'
import { describe, expect, it, test } from 'vitest'
import { nodePost } from '../../src/node/webhooks/post.ts'
import { readSettings } from '../../src/settings/read.ts'
import { webhookSettings } from '../../src/settings/webhooks.ts'
import { checkTarget, isPrivateAddress } from '../../src/webhooks/address.ts'
import { Signer } from '../../src/webhooks/sign.ts'
import { SECRET, TestBackend } from './backend.ts'

const PRIVATE = [
  '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.1', '172.31.255.255',
  '192.168.1.1', '192.0.0.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd12:3456::1', 'ff02::1',
  '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b:1::1', '2002:7f00:1::', '2002:a00:1::', '2001::1', '2001:db8::1', '100::1', 'nonsense:',
] // biome-ignore format: it is read row by row, and a value a line would hide what belongs together
const PUBLIC = ['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '193.0.0.1', '2606:4700::1111', '2a00:1450:4001::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'] // biome-ignore format: it is read row by row, and a value a line would hide what belongs together

describe('targets', () => {
  it.each(PRIVATE)('HOOK-9 %s is private', (address) => expect(isPrivateAddress(address)).toBe(true))
  it.each(PUBLIC)('HOOK-9 %s is public', (address) => expect(isPrivateAddress(address)).toBe(false))

  it('HOOK-9 refuses what is no public http target, however it is written', () => {
    const refused = [
      'ftp://example.com/', 'file:///etc/passwd', 'nonsense', 'http://localhost/', 'http://LOCALHOST./', 'http://a.localhost/',
      'http://127.1/', 'http://2130706433/', 'http://0x7f000001/', 'http://017700000001/', 'http://127.0.0.1./', 'http://[::1]/',
      'http://[::ffff:7f00:1]/', 'http://[::ffff:169.254.169.254]/', 'http://169.254.169.254/latest/meta-data', 'http://①②⑦.0.0.1/',
    ] // biome-ignore format: it is read row by row, and a value a line would hide what belongs together
    for (const target of refused) expect(() => checkTarget(target, false), target).toThrow()
    for (const target of ['http://example.com/', 'https://1.1.1.1/x', 'https://[2606:4700::1111]/'])
      expect(() => checkTarget(target, false), target).not.toThrow()
    expect(() => checkTarget('http://127.0.0.1:8000/', true)).not.toThrow()
    expect(() => checkTarget('file:///etc/passwd', true)).toThrow()
  })

  it('HOOK-9 a name that resolves to a private address is not connected to', async () => {
    const backend = await TestBackend.start()
    // What it resolves to is only known when it is asked: this name is not one that the check of the URL knows.
    const { hostname } = await import('node:os')
    const posting = { headers: {}, body: '[]', timeout: 2000, maxAnswer: 0 }
    const url = backend.url.replace('127.0.0.1', hostname())
    await expect(nodePost(false)({ ...posting, url })).rejects.toThrow(/private address/)
    await expect(nodePost(false)({ ...posting, url: backend.url })).rejects.toThrow(/private address/)
    expect(backend.deliveries.length + backend.wrong.length).toBe(0)
    expect((await nodePost(true)({ ...posting, url: backend.url })).status).toBe(401)
    await backend.stop()
  })
})

describe('settings', () => {
  const base = { HOLDLINE_WEBHOOK_URL: 'https://example.com/hook', HOLDLINE_WEBHOOK_SECRET: SECRET }
  const read = (env: Record<string, string>) => {
    const { settings, wrong } = readSettings(env, 'node')
    if (wrong !== undefined) throw new Error(wrong.join('\n'))
    return webhookSettings(settings.webhooks)
  }

  it('HOOK-10 nothing set: there is no backend', () => expect(read({})).toBeNull())

  it('tells of all events of all rooms unless it is said otherwise', () => {
    const { tell } = read(base) ?? {}
    expect(tell?.events).toHaveLength(7)
    expect(['lobby', 'chat:1', 'a.b'].map((room) => tell?.rooms(room))).toEqual([true, true, true])
    const some = read({ ...base, HOLDLINE_WEBHOOK_ROOMS: 'chat:*, a.b', HOLDLINE_WEBHOOK_EVENTS: 'message' })
    const rooms = ['chat:1', 'chat:', 'chat2:x', 'xchat:1', 'a.b', 'axb'].map((room) => some?.tell?.rooms(room))
    expect(rooms).toEqual([true, true, false, false, true, false])
    expect(some?.tell?.events).toEqual(['message'])
  })

  it('ASK-5 asks of the rooms that are named, with or without being told', () => {
    const { HOLDLINE_WEBHOOK_URL: HOLDLINE_ASK_URL, HOLDLINE_WEBHOOK_SECRET } = base
    const { ask, tell } = read({ HOLDLINE_ASK_URL, HOLDLINE_WEBHOOK_SECRET, HOLDLINE_ASK_MESSAGE: 'chat:*' }) ?? {}
    expect(tell).toBeUndefined()
    expect(['chat:1', 'lobby'].map((room) => [ask?.message(room), ask?.connect(room)])).toEqual([
      [true, false],
      [false, false],
    ])
    expect(read({ ...base, HOLDLINE_ASK_MESSAGE: '*' })?.ask?.url).toBe(base.HOLDLINE_WEBHOOK_URL)
  })

  it('asks where it tells unless it is said otherwise, or only asks', () => {
    const asks = { HOLDLINE_ASK_CONNECT: '*', HOLDLINE_WEBHOOK_SECRET: SECRET }
    expect(read({ ...base, ...asks })?.ask).toMatchObject({
      url: base.HOLDLINE_WEBHOOK_URL,
      timeout: 2000,
      open: false,
    })
    const only = read({ ...asks, HOLDLINE_ASK_URL: 'https://example.com/ask', HOLDLINE_ASK_OPEN: '1' })
    expect([only?.tell, only?.ask?.url, only?.ask?.open]).toEqual([undefined, 'https://example.com/ask', true])
  })

  const wrong = [
    [{ ...base, HOLDLINE_WEBHOOK_SECRET: '' }, /^HOLDLINE_WEBHOOK_SECRET must be.*whsec_/],
    [{ ...base, HOLDLINE_WEBHOOK_SECRET: 'hunter2' }, /^HOLDLINE_WEBHOOK_SECRET must be.*whsec_/],
    [{ ...base, HOLDLINE_WEBHOOK_SECRET: `${SECRET}, whsec_c2hvcnQ=` }, /24 to 64/],
    [{ ...base, HOLDLINE_WEBHOOK_EVENTS: 'message,nonsense' }, /^HOLDLINE_WEBHOOK_EVENTS must be.*"nonsense"/],
    [{ ...base, HOLDLINE_WEBHOOK_URL: 'http://127.0.0.1/' }, /^HOLDLINE_WEBHOOK_URL.*HOLDLINE_WEBHOOK_PRIVATE/],
    [{ ...base, HOLDLINE_ASK_URL: 'http://u:hunter2@10.0.0.1/' }, /^HOLDLINE_ASK_URL.*HOLDLINE_WEBHOOK_PRIVATE/],
    [{ ...base, HOLDLINE_WEBHOOK_URL: 'ftp://u:hunter2@h/' }, /^HOLDLINE_WEBHOOK_URL must be an http or https URL$/],
    [{ HOLDLINE_ASK_CONNECT: '*', HOLDLINE_WEBHOOK_SECRET: SECRET }, /^HOLDLINE_ASK_URL must say/],
    [{ HOLDLINE_ASK_MESSAGE: '*', HOLDLINE_WEBHOOK_SECRET: SECRET }, /^HOLDLINE_ASK_URL must say/],
    [{ ...base, HOLDLINE_WEBHOOK_WAITING: '0' }, /^HOLDLINE_WEBHOOK_WAITING must be a whole number/],
  ] as const
  it.each(wrong)('says what is wrong in one line, and never a secret: %#', (env, message) => {
    const lines = readSettings(env, 'edge').wrong?.filter((line) => !line.startsWith('Nobody')) ?? []
    expect(lines).toEqual([expect.stringMatching(message)])
    expect(lines.join()).not.toMatch(/hunter2|c2hvcnQ/)
  })
})

describe('signatures', () => {
  const secret = (text: string) => Buffer.from(text.padEnd(32, '.'))
  const body = '[{"a":"é😀"}]'

  test('HOOK-6 each of several secrets verifies by itself, no other does', async () => {
    const headers = await new Signer([secret('new'), secret('old')]).headers('msg_1', (Date.now() / 1000) | 0, body)
    for (const name of ['new', 'old'])
      expect(new Webhook(secret(name).toString('base64')).verify(body, headers)).toEqual(JSON.parse(body))
    expect(() => new Webhook(secret('other').toString('base64')).verify(body, headers)).toThrow()
  })

  test('HOOK-6 what is replayed late, under another id or with another body is rejected', async () => {
    const signer = new Signer([secret('s')])
    const webhook = new Webhook(secret('s').toString('base64'))
    const now = (Date.now() / 1000) | 0
    const headers = await signer.headers('msg_1', now, body)
    expect(() => webhook.verify(body, headers)).not.toThrow()
    expect(() => webhook.verify(`${body} `, headers)).toThrow()
    expect(() => webhook.verify(body, { ...headers, 'webhook-id': 'msg_2' })).toThrow()
    expect(() => webhook.verify(body, { ...headers, 'webhook-timestamp': String(now + 1) })).toThrow()
    const old = await signer.headers('msg_1', now - 600, body)
    expect(() => webhook.verify(body, old)).toThrow(/old/)
  })
})
