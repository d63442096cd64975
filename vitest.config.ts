import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

/** What brings a crowd, an installation or a thousand bad inputs, or waits for long: `npm run test:long`, which CI runs as well. */
export const LONG = [
  'test/browser/picture.test.ts',
  'test/conformance/crowd.workerd.test.ts',
  'test/conformance/fuzz.test.ts',
  'test/conformance/grace.test.ts',
  'test/conformance/multi-fuzz.test.ts',
  'test/conformance/presence-converges.test.ts',
  'test/conformance/presence-large.test.ts',
  'test/conformance/silence.test.ts',
  'test/conformance/slowloris.test.ts',
  'test/node/restore.test.ts',
  'test/node/sync.test.ts',
  'test/package.test.ts',
  'test/soak/crash.test.ts',
  'test/webhooks/load.test.ts',
  'test/webhooks/sleep.workerd.test.ts',
]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...LONG],
    // Forks, since targets start and kill real processes and a worker thread cannot be killed with them.
    pool: 'forks',
    // One more than the two cores that it is meant for: many cases wait, for a timer or for something to fall asleep. With
    // two more it took as long, and an eighth more CPU (2026-11).
    maxWorkers: 3,
    // A worker's files share its modules: loading wrangler and the codecs anew for each took a third of the whole time
    // (32 s of CPU for four files of the suite, 20 s without; 2026-11). No test changes what a module holds.
    isolate: false,
    // Hundreds of processes are started; each would strip the types of the same files again (1.2 s of CPU, 0.6 s so; 2026-11).
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    // The tests, and what they start, hear nothing of where they run.
    setupFiles: [join(import.meta.dirname, 'test/environment.ts')],
    // Cases that run beside each other only wait: with five, the six that sleep waited for 14 s twice (2026-11).
    maxConcurrency: 8,
    // Guards against what never ends, and no measure of speed: a slow machine with three workers takes ten times as long.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
})
