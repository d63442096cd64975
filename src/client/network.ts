import type { Hub } from './hub.ts'

/** What a browser has of this; nothing of it is there on a server. */
interface Scope extends Listens {
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: Listens & { readonly visibilityState: string }
}

interface Listens {
  addEventListener(name: string, listener: () => void, options: { readonly signal: AbortSignal }): void
}

/** Who was offline, or asleep in a background tab, need not wait for its turn to try again. */
export function watchNetwork(hub: Hub): void {
  const scope = globalThis as unknown as Scope
  const { document } = scope
  const { signal } = hub
  // Workers have `addEventListener` too, but not for this.
  if (scope.navigator?.onLine === undefined) return
  scope.addEventListener('online', () => hub.nudge(), { signal })
  const seen = (): void => {
    if (document?.visibilityState === 'visible') hub.nudge()
  }
  document?.addEventListener('visibilitychange', seen, { signal })
}
