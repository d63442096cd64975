import type { Running, Target } from './target.ts'

const all = new Map<Target, Running>()

/**
 * One with the default settings, for all files that this worker runs: they have rooms of their own, and a start of each
 * target took 1.5 s of CPU for each file (2026-11). It need not be stopped.
 */
export async function shared(target: Target): Promise<Running> {
  const kept = all.get(target)
  // What one file has broken is no burden to the next.
  if (kept !== undefined && (await fetch(`${kept.url}/healthz`).catch(() => undefined))?.ok) return kept
  await kept?.stop().catch(() => {})
  if (all.size === 0) atWorkersEnd(() => [...all.values()].map((each) => each.drop()))
  const running = await target.start()
  all.set(target, running)
  return running
}

/** vitest ends a worker by SIGTERM, or by going away itself, and gives it no time. */
function atWorkersEnd(act: () => unknown): void {
  process.once('exit', act)
  // Before the handler of miniflare's, which would exit, and that is no worker's to do.
  process.prependOnceListener('SIGTERM', () => {
    act()
    process.kill(process.pid, 'SIGKILL')
  })
}
