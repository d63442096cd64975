import { configDefaults, defineConfig } from 'vitest/config'
import base, { LONG } from '../vitest.config.ts'

/** `npm run test:long`: what `npm test` leaves out, so that it stays a matter of minutes. */
export default defineConfig({ test: { ...base.test, include: LONG, exclude: configDefaults.exclude } })
