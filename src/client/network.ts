import type { Client } from './client.ts'

/** What a browser has of this; nothing of it is there on a server. */
interface Scope {
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: Listens & { readonly visibilityState: string }
}

interface Listens {
  addEventListener(name: string, listener: () => void): void
  removeEventListener(name: string, listener: () => void): void
}

/** Who was offline, or asleep in a background tab, need not wait for its turn to try again. */
export function watchNetwork(client: Client): void {
  const scope = globalThis as unknown as Scope & Listens
  const { document } = scope
  // Workers have `addEventListener` too, but not for this.
  if (scope.navigator?.onLine === undefined) return
  const online = (): void => client.nudge()
  const seen = (): void => {
    if (document?.visibilityState === 'visible') client.nudge()
  }
  scope.addEventListener('online', online)
  document?.addEventListener('visibilitychange', seen)
  client.on('state', ({ state }) => {
    if (state !== 'closed') return
    scope.removeEventListener('online', online)
    document?.removeEventListener('visibilitychange', seen)
  })
}
