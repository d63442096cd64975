import { configDefaults, defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'

/** What tries to get in, to get further or to be in the way: each case names the answer that it gets. */
const ATTACKS = [
  'test/conformance/attacks.test.ts',
  'test/conformance/attacks-held.test.ts',
  'test/conformance/crowd.workerd.test.ts',
  'test/conformance/flood.test.ts',
  'test/conformance/forged-tokens.test.ts',
  'test/conformance/slowloris.test.ts',
  'test/conformance/unconfigured.test.ts',
  'test/webhooks/private.test.ts',
  'test/webhooks/told.test.ts',
]

export default defineConfig({ test: { ...base.test, include: ATTACKS, exclude: configDefaults.exclude } })
