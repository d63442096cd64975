import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** `npm run soak`: what takes minutes, one file after the other, since memory and many sockets are measured. */
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    pool: 'forks',
    setupFiles: [join(import.meta.dirname, '../environment.ts')],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
})
