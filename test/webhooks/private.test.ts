import { hostname } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, url } from '../conformance/clients/http.ts'
import { freshRoom } from '../conformance/suite.ts'
import { targets } from '../targets/index.ts'
import { SECRET, TestBackend } from './backend.ts'

let backend: TestBackend
beforeAll(async () => {
  backend = await TestBackend.start()
})
afterAll(() => backend.stop())

// This machine's own name is none that the check of a URL knows; what it resolves to, the runtime finds out.
test.each(targets.flatMap((target) => [[target.name, '0', target] as const, [target.name, '1', target] as const]))(
  'HOOK-9 a name that resolves to a private address, on %s, with HOLDLINE_WEBHOOK_PRIVATE=%s',
  async (_, mayBePrivate, target) => {
    const env = {
      HOLDLINE_ASK_CONNECT: '*',
      HOLDLINE_ASK_URL: backend.url.replace('127.0.0.1', hostname()),
      HOLDLINE_WEBHOOK_SECRET: SECRET,
      HOLDLINE_WEBHOOK_PRIVATE: mayBePrivate,
    }
    const running = await target.start({ env })
    try {
      const before = backend.deliveries.length
      const polled = await call(url(running.url, freshRoom(), '/poll'))
      const asked = backend.deliveries.length - before
      expect([polled.http, asked]).toEqual(mayBePrivate === '1' ? [200, 1] : [503, 0])
    } finally {
      await running.stop()
    }
  },
)
