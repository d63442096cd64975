import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Forks, since targets start and kill real processes and a worker thread cannot be killed with them.
    pool: 'forks',
    // Two more than the two cores that it is meant for: many cases wait, for a timer or for something to fall asleep.
    maxWorkers: 4,
    // A worker's files share its modules: loading wrangler and the codecs anew for each took a third of the whole time
    // (32 s of CPU for four files of the suite, 20 s without; 2026-11). No test changes what a module holds.
    isolate: false,
    // Hundreds of processes are started; each would strip the types of the same files again (1.2 s of CPU, 0.6 s so; 2026-11).
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    // The tests, and what they start, hear nothing of where they run.
    setupFiles: [join(import.meta.dirname, 'test/environment.ts')],
    // Guards against what never ends, and no measure of speed: a slow machine with three workers takes ten times as long.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
})
