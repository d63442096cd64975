import { expect, test } from 'vitest'
import { workerd } from '../targets/workerd.ts'
import { call, postJson, url } from './clients/http.ts'
import { FRAMED_HEADER, handshake, RawClient } from './clients/raw.ts'
import { API_KEY, bearer, LOCKED } from './clients/tokens.ts'
import { inWaves } from './clients/waves.ts'
import { freshRoom } from './suite.ts'

/** What one address may have here. */
const LIMIT = 200
const SURPLUS = 9800
/** It takes 25 s with two cores for itself (ms). */
const PATIENCE = 240_000

// Attempts, and not connections that are held: a room counts them behind the platform's proxy, by the address that this
// names, and a socket that was refused is gone.
test(
  'LIMIT-3 10,000 connections from one address: the surplus is closed with 4011, others never notice; on workerd',
  async () => {
    const running = await workerd.start({ env: { ...LOCKED, HOLDLINE_CONNECTIONS_PER_ADDRESS: `${LIMIT}` } })
    const base = running.url
    const room = freshRoom()
    const from = (address: string) => ({ ...FRAMED_HEADER, ...bearer(API_KEY), 'cf-connecting-ip': address })
    const other = new RawClient(base)
    other.write(handshake(base, room, from('192.0.2.2')))
    await other.until('welcome')
    let said = 0
    const meanwhile = async () => {
      expect((await postJson(base, room, { data: ++said }, { headers: bearer(API_KEY) })).http).toBe(201)
      await other.until(`"data":${said}`)
    }
    const come = async () => {
      const client = new RawClient(base)
      client.write(handshake(base, room, from('192.0.2.1')))
      const first = await client.until('"type"')
      const answer = first.includes('"closing"') ? /"code":\d+,"reason":"[^"]*"/.exec(first)?.[0] : 'welcome'
      return { client, answer }
    }
    const holds: RawClient[] = []
    const answers = new Map<string | undefined, number>()
    try {
      await inWaves(
        LIMIT,
        async () => {
          const { client, answer } = await come()
          holds.push(client)
          expect(answer).toBe('welcome')
        },
        meanwhile,
      )
      await inWaves(
        SURPLUS,
        async () => {
          const { client, answer } = await come()
          client.socket.destroy()
          answers.set(answer, (answers.get(answer) ?? 0) + 1)
        },
        meanwhile,
      )
      expect(answers).toEqual(new Map([['"code":4011,"reason":"too many connections from this address"', SURPLUS]]))
      expect(holds.every(({ socket }) => !socket.destroyed)).toBe(true)
      const polled = await call(url(base, room, '/poll'), {
        headers: { ...bearer(API_KEY), 'cf-connecting-ip': '192.0.2.1' },
      })
      expect([polled.http, polled.code]).toEqual([429, 'rate'])
      expect(await other.until(`"data":${said}`)).not.toContain('closing')
    } finally {
      for (const { socket } of [other, ...holds]) socket.destroy()
      await running.stop()
    }
  },
  PATIENCE,
)
