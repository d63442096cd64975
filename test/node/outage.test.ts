import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { beside } from '../conformance/clients/ends.ts'
import { call, postJson, say, url, wholeHistory } from '../conformance/clients/http.ts'
import { tellingTransportsOf } from '../conformance/clients/index.ts'
import { endSession, whoIsHere } from '../conformance/clients/presence.ts'
import { Framed, Plain } from '../conformance/clients/websocket.ts'
import { freshRoom } from '../conformance/suite.ts'
import { node } from '../targets/node.ts'
import { eventually } from '../targets/target.ts'
import { folder, type Started, start } from './gateway.ts'

/** A namespace of its own lets a process have a disk that is really full, and nobody else has. Not every CI permits it. */
const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0

const ready = async (base: string) => call(`${base}/readyz`)

interface Outage {
  readonly within: readonly [string, ...string[]] | []
  readonly why: string
  fail(gateway: Started, data: string): void
  mend(gateway: Started, data: string): void
}

const outages: Record<string, Outage & { skip?: boolean }> = {
  // SQLite gets ENOSPC from the system. The file system is the process's alone; we reach it through /proc.
  'the disk is full': {
    skip: !mayMount,
    within: [
      'unshare',
      '-m',
      'sh',
      '-c',
      'mount -t tmpfs -o size=4m tmpfs "$(dirname "$HOLDLINE_DATA")" && exec "$@"',
      'sh',
    ],
    why: 'the disk is full',
    fail({ pid }, data) {
      const filler = join(`/proc/${pid}/root`, data, '../filler')
      expect(() => writeFileSync(filler, new Uint8Array(8 * 1024 * 1024))).toThrow(/ENOSPC/)
    },
    mend({ pid }, data) {
      rmSync(join(`/proc/${pid}/root`, data, '../filler'))
    },
  },
  // SQLite gets EFBIG: any error of a disk that is not full. It needs no rights.
  'files cannot be written': {
    within: [],
    why: 'the disk reports an error',
    fail({ pid }) {
      execFileSync('prlimit', ['--pid', `${pid}`, '--fsize=0:unlimited'])
    },
    mend({ pid }) {
      execFileSync('prlimit', ['--pid', `${pid}`, '--fsize=unlimited:unlimited'])
    },
  },
}

// Concurrent, since most of it is waiting: for what is tried anew, and for it to recover.
describe.concurrent.each(Object.entries(outages))('while %s', (_, { skip = false, within, why, fail, mend }) => {
  // A full disk needs a mount of its own, which not every CI permits; the other outage needs no rights and always runs.
  it.skipIf(skip).for(['normal', 'full'])(
    'OPS-3, DRAIN-2 with HOLDLINE_SYNC=%s publishes are refused, readers read on, and it recovers by itself',
    (sync, context) =>
      beside(async () => {
        const data = join(folder(), 'rooms.db')
        const gateway = await start({ HOLDLINE_DATA: data, HOLDLINE_SYNC: sync }, within)
        const { base } = gateway
        const room = freshRoom()
        const kept = ['first', 'second']
        for (const each of kept) await say(base, room, each)
        const readers = await Promise.all(
          tellingTransportsOf({ target: node }).map(({ open }) => open(base, room, { cursor: '0-0' })),
        )
        const framed = await Framed.open(base, room)
        const here = await Framed.open(base, room, { presence: 1 })
        await here.inbox.until(({ type }) => type === 'presence')
        const [speaking, silent] = [await Plain.open(base, room), await Plain.open(base, room)]
        for (const reader of readers) await reader.messages(2)

        fail(gateway, data)
        const large = (n: number) => `${n}${'x'.repeat(8000)}`
        let refused = await postJson(base, room, { data: large(0) })
        for (let n = 1; refused.http === 201; n++) {
          kept.push(large(n - 1))
          expect(n).toBeLessThan(100)
          refused = await postJson(base, room, { data: large(n) })
        }
        expect([refused.http, refused.code, refused.detail]).toEqual([
          503,
          'storage',
          `The log cannot be written: ${why}`,
        ])
        expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
        expect(await ready(base)).toMatchObject({
          http: 503,
          code: 'storage',
          detail: `The log cannot be written: ${why}`,
        })
        expect((await call(`${base}/healthz`)).http).toBe(200)
        expect(await framed.ask({ op: 'publish', data: large(-1) })).toMatchObject({ type: 'error', code: 'storage' })
        speaking.send(large(-4))
        expect(await speaking.closed).toEqual({ code: 4012, reason: 'storage' })
        const batch = await call(`${base}/v1/publish`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            messages: [
              { room, data: large(-2) },
              { room: freshRoom(), data: large(-3) },
            ],
          }),
        })
        expect(JSON.parse(batch.text).results).toMatchObject([
          { code: 'storage', retryAfter: expect.any(Number) },
          { code: 'storage', retryAfter: expect.any(Number) },
        ])
        expect((await wholeHistory(base, room)).map(({ data }) => data)).toEqual(kept)
        for (const { open } of tellingTransportsOf({ target: node })) {
          const late = await open(base, room, { cursor: '0-0' })
          expect((await late.messages(kept.length)).map(({ data }) => data)).toEqual(kept)
          await late.close()
        }
        // That somebody has come cannot be written either, so that nobody is told of it; what there is to read is read.
        for (const presence of ['1', 'r0']) {
          const poll = await call(url(base, room, '/poll', { cursor: '0-0', presence }))
          const { events } = JSON.parse(poll.text) as { events: { type: string; data: unknown }[] }
          expect(events.filter(({ type }) => type === 'message').map(({ data }) => data)).toEqual(kept)
        }
        // Nobody is said to be gone who may be there again.
        const ended = await endSession(base, room, here.welcome.session)
        const isThere = (await whoIsHere(base, room)).members.some(({ session }) => session === here.welcome.session)
        // So little may find a place on a disk that has none for more.
        expect([ended.http, ended.code]).toEqual(isThere ? [503, 'storage'] : [204, undefined])
        const says = `rooms.db cannot be written: ${why}. Publishing is refused until it can`
        await eventually('it has said so', async () => gateway.said().includes(says))

        mend(gateway, data)
        await eventually('it is ready again, although nobody published', async () => (await ready(base)).http === 200)
        await eventually('it has said so', async () => gateway.said().includes('rooms.db can be written again'))
        await say(base, room, 'after')
        for (const reader of readers) {
          const heard = await reader.messages(kept.length - 2 + 1)
          expect(heard.map(({ data }) => data)).toEqual([...kept.slice(2), 'after'])
        }
        expect((await silent.messages(kept.length - 2 + 1)).map(({ payload }) => payload)).toEqual([
          ...kept.slice(2),
          'after',
        ])
        expect(existsSync(`${data}.trial`)).toBe(false)
        expect(await framed.ask({ op: 'publish', data: 'last' })).toMatchObject({ type: 'ack' })
        await gateway.end()
        if (within.length > 0) return
        const again = await start({ HOLDLINE_DATA: data })
        expect((await wholeHistory(again.base, room)).map(({ data }) => data)).toEqual([...kept, 'after', 'last'])
      })(context),
  )
})

describe.concurrent('a database that can only be read', () => {
  const readOnly = [
    'unshare',
    '-m',
    'sh',
    '-c',
    'd="$(dirname "$HOLDLINE_DATA")" && mount --bind "$d" "$d" && mount -o remount,ro,bind "$d" && exec "$@"',
    'sh',
  ] as const

  // Root may write to a file that is read-only: only a mount that is makes it so, and not every CI permits one.
  it.skipIf(!mayMount).for(['SIGTERM', 'SIGKILL'] as const)(
    'OPS-3 left by %s is served to readers, and written to when it can be',
    (signal, context) =>
      beside(async () => {
        const data = join(folder(), 'rooms.db')
        const room = freshRoom()
        const before = await start({ HOLDLINE_DATA: data })
        await say(before.base, room, 'kept')
        await before.end(signal)
        expect(existsSync(`${data}-wal`)).toBe(signal === 'SIGKILL')

        const gateway = await start({ HOLDLINE_DATA: data }, [...readOnly])
        const { base } = gateway
        const why = 'The log cannot be written: it is read-only'
        expect(await ready(base)).toMatchObject({ http: 503, code: 'storage', detail: why })
        expect(await postJson(base, room, { data: 'refused' })).toMatchObject({
          http: 503,
          code: 'storage',
          detail: why,
        })
        const readers = await Promise.all(
          tellingTransportsOf({ target: node }).map(({ open }) => open(base, room, { cursor: '0-0' })),
        )
        for (const reader of readers) expect((await reader.messages(1))[0]?.data).toBe('kept')

        execFileSync('nsenter', ['-t', `${gateway.pid}`, '-m', 'mount', '-o', 'remount,rw,bind', join(data, '..')])
        await eventually('it is ready again', async () => (await ready(base)).http === 200)
        await say(base, room, 'after')
        for (const reader of readers) expect((await reader.messages(1))[0]?.data).toBe('after')
        await gateway.end()
      })(context),
  )

  // For the same reason.
  it.skipIf(!mayMount)(
    'that does not exist is an error that names it',
    beside(async () => {
      const data = join(folder(), 'rooms.db')
      await expect(start({ HOLDLINE_DATA: data }, [...readOnly])).rejects.toThrow(
        /Holdline did not start: .*rooms\.db cannot be used: it (cannot be opened|is read-only)/,
      )
    }),
  )
})
